// SPDX-License-Identifier: Apache-2.0
// A technology, a chip and a run small enough to check by hand.
#pragma once

#include <string>

#include "spatten/base/json.h"
#include "spatten/base/json_tree.h"
#include "spatten/sim/accelerator/result.h"
#include "spatten/sim/memory/memory.h"

namespace spatten::cost {

inline Json small_table() {
  return Json::parse(R"({
  "blocks": [
    {"name": "qk", "title": "Q x K", "energy_factor": 2, "area_factor": 3},
    {"name": "dram", "title": "DRAM"}
  ],
  "actions": [
    {"counter": "qk.multiplies", "block": "qk", "kind": "logic", "pj": 0.5, "source": "test"},
    {"counter": "key_sram.lines_read", "block": "qk", "kind": "sram", "pj": 100, "source": "test",
     "scales": [{"key": "array.multipliers", "reference": 512}, {"key": "sram.lines", "reference": 128, "power": 2}]}
  ],
  "leaks": [{"part": "key_sram", "block": "qk", "kind": "sram", "milliwatts": 10, "source": "test"}],
  "areas": [
    {"part": "multipliers", "block": "qk", "mm2": 0.4, "source": "test", "scales": [{"key": "array.multipliers", "reference": 512}]},
    {"part": "control", "block": "qk", "mm2": 0.1, "source": "test"}
  ],
  "dram": {"block": "dram", "energy_factor": 0.5}
})");
}

/// Half of the multipliers and twice the lines of the table's references.
inline Json small_chip() { return Json::parse(R"({"array": {"multipliers": 256, "name": "x"}, "sram": {"lines": 256}})"); }

inline sim::Result small_run() {
  sim::Result r;
  r.cycles = 1000;
  r.units = {{"qk", {}, {{"multiplies", 1000}, {"adds", 7}}},
             {"key_sram", {}, {{"lines_read", 10}}},
             {"memory", {}, {{"reads", 100}, {"writes", 10}, {"activates", 4}, {"refreshes", 1}}}};
  return r;
}

inline sim::MemoryEnergy small_memory() { return {.activate_pj = 900, .read_pj = 10, .write_pj = 20, .refresh_pj = 400}; }

}  // namespace spatten::cost

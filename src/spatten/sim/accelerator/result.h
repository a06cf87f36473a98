// SPDX-License-Identifier: Apache-2.0
// What a simulation found: raw counts only. Averages and ratios belong to reports, energy to cost/.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "spatten/sim/core/activity.h"

namespace spatten::sim {

/// One unit: its time and its counters. `name` is the unit's path in reports and in energy tables, e.g. "key_sram".
struct UnitResult {
  std::string name;
  Activity activity;
  std::vector<std::pair<std::string, std::uint64_t>> counters;

  /// 0 when there is no such counter.
  std::uint64_t counter(const std::string& key) const {
    for (const auto& [name_, value] : counters) {
      if (name_ == key) return value;
    }
    return 0;
  }
};

/// Bytes that crossed the memory interface, by what they were (all 32-byte accesses counted whole).
struct StreamBytes {
  std::uint64_t query = 0, key_msb = 0, key_lsb = 0, value = 0, output = 0, weights = 0;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("query", s.query, "B", "queries read");
    f("key_msb", s.key_msb, "B", "keys read, first part");
    f("key_lsb", s.key_lsb, "B", "keys read again for their low bits");
    f("value", s.value, "B", "values read");
    f("output", s.output, "B", "attention outputs written");
    f("weights", s.weights, "B", "weights of FC layers streamed (end to end)");
  }
  std::uint64_t total() const { return query + key_msb + key_lsb + value + output + weights; }
  void add(const StreamBytes& o) {
    query += o.query, key_msb += o.key_msb, key_lsb += o.key_lsb, value += o.value, output += o.output, weights += o.weights;
  }
};

/// The part of a run that belongs to one layer of one step.
struct LayerResult {
  std::uint32_t step = 0, layer = 0;
  Cycles first_accept = 0, last_response = 0;  ///< of its rows; the last layer of a segment ends when its outputs are written
  std::uint64_t rows = 0;
  StreamBytes bytes;  ///< where the chip waits at the end of each layer, else 0
};

/// One row (a query of one head): when it entered the chip and when its output left.
struct RowTime {
  Cycles accept = 0, response = 0;
};

struct Result {
  Cycles cycles = 0;  ///< from the first accepted row to the last response
  Cycles fc_cycles = 0;  ///< of these: streaming the weights of FC layers
  std::uint64_t rows = 0, records = 0, lsb_rows = 0;
  std::uint64_t ops_executed = 0;          ///< of attention, rows that come again for low bits twice; a multiply-add is two
  std::uint64_t ops_dense_equivalent = 0;  ///< of attention with every token and head
  std::uint64_t fc_ops = 0, fc_ops_dense_equivalent = 0;  ///< of FC layers, likewise
  StreamBytes bytes;
  std::vector<UnitResult> units;  ///< in the order of the data path; "memory" is one of them
  std::vector<LayerResult> layers;
  /// What each of `units` did in each layer, over all steps; of layers that the chip waited for, so that none overlaps another.
  std::map<std::uint32_t, std::vector<Activity>> layer_activity;
  std::vector<RowTime> row_times;          ///< only when asked for
  std::vector<std::string> assumptions;    ///< sentences: what stood in for values that the input lacks
  bool partial = false;                    ///< interrupted: the counts end with the last whole segment, if there are any
};

}  // namespace spatten::sim

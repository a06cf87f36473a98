// SPDX-License-Identifier: Apache-2.0
// A trace through the chip: the door of the simulator.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "spatten/sim/accelerator/operands.h"
#include "spatten/sim/accelerator/result.h"
#include "spatten/sim/accelerator/spec.h"
#include "spatten/sim/core/timeline.h"
#include "spatten/sim/memory/memory.h"
#include "spatten/trace/source.h"

namespace spatten::sim {

struct SimulationOptions {
  std::uint32_t threads = 1;        ///< segments that do not depend on each other may run side by side; same result
  std::uint32_t batch = 0;          ///< above 0: each generation row stands for so many queries on the same K and V
  bool reuse_segments = true;       ///< simulate one of several equal segments only (segments.h); same result
  bool row_times = false;           ///< fill Result::row_times
  OperandStore* operands = nullptr; ///< numbers of Q, K and V: rows that have them are computed, not only counted
  Timeline* timeline = nullptr;     ///< where to draw what each unit did, if anywhere
  std::uint64_t shuffle_units = 0;  ///< above 0: seed of the order in which units are ticked; changes no result
  bool stay_awake = false;          ///< tick every unit in every cycle; changes no result
  std::function<void(std::uint64_t rows)> progress;   ///< called now and then with the rows of the run that are done, never fewer than before; from any thread, one at a time
  const std::atomic<bool>* stop = nullptr;            ///< when it becomes true the result so far is returned, marked partial
};

/// Runs every record of a trace on the chip. `make_memory` builds one memory per segment, each idle at its start.
/// Throws Error when a record does not fit the chip (too many keys, a head size that the arrays cannot hold) naming the
/// record, and when the modelled machine cannot go on, naming the units that wait for each other. Throws Cancelled when it is
/// stopped before anything was simulated.
Result simulate(trace::Source& records, const ChipSpec& chip, const std::function<std::unique_ptr<Memory>()>& make_memory,
                const SimulationOptions& options = {});

}  // namespace spatten::sim

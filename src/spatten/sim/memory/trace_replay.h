// SPDX-License-Identifier: Apache-2.0
// Replays a memory trace and measures it. In each clock, each channel on its own: its oldest access that was not
// accepted yet is offered if its time has come and, for a read, fewer than q reads of the channel are under way; at
// most one is accepted; then the channel is ticked. Writes are posted. The run ends when all reads are back and all
// writes that the controller lets go are on the bus.
//
// Channels share nothing, so each has its own clock and the trace is read once, in memory that does not grow with it.
// Only a limit on the reads in all channels (g) ties them together: then one clock drives all, in strict order of the
// trace.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "spatten/sim/memory/dram_trace.h"
#include "spatten/sim/memory/memory.h"

namespace spatten::sim {

/// Counts of whole numbers; large ones are rare.
class LatencyHistogram {
 public:
  void add(std::uint64_t value) {
    if (value < small_.size()) {
      ++small_[value];
    } else {
      ++large_[value];
    }
    ++count_;
    sum_ += value;
  }
  std::uint64_t count() const { return count_; }
  /// 0 without values.
  double mean() const { return count_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(count_); }
  /// The smallest value that at least this share of all values does not exceed; 0 without values.
  std::uint64_t quantile(double share) const;

 private:
  std::vector<std::uint64_t> small_ = std::vector<std::uint64_t>(1 << 12);
  std::map<std::uint64_t, std::uint64_t> large_;
  std::uint64_t count_ = 0, sum_ = 0;
};

struct ReplayResult {
  Cycles memory_cycles = 0;  // from clock 0 to the last read datum or the end of the last write burst
  std::uint64_t reads = 0, writes = 0;
  LatencyHistogram read_latency;  // clocks from accept to data, both included
  MemoryStats stats;
  bool partial = false;  // the run was cancelled

  std::uint64_t requests() const { return reads + writes; }
};

struct ReplayOptions {
  const std::atomic<bool>* cancelled = nullptr;
  std::function<void(std::uint64_t requests)> progress;  // now and then
};

/// Runs the whole trace. The reader's device is set from the memory. Throws Error of the trace.
ReplayResult replay(DramTraceReader& trace, Memory& memory, const ReplayOptions& options = {});

}  // namespace spatten::sim

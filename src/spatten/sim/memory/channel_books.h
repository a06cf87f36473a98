// SPDX-License-Identifier: Apache-2.0
// What a DRAM channel writes down, whatever its scheduler: reads on their way back, unfinished accesses, counters.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "spatten/sim/memory/return_queue.h"

namespace spatten::sim {

class ChannelBooks {
 public:
  explicit ChannelBooks(ReturnOrder order) : returns_(order) {}

  void accepted(const MemoryAccess& access, Cycles now) {
    if (!access.is_write) returns_.accepted(access.tag);
    if (unfinished_++ == 0) busy_since_ = now;
  }
  /// A read that will be back during clock `done`.
  void read_returns(std::uint32_t tag, Cycles done) {
    returns_.add(tag, done);
    data_end_ = std::max(data_end_, done + 1);
  }
  /// A write command in clock `now` whose data are on the bus until `data_end`.
  void write_issued(Cycles now, Cycles data_end) {
    data_end_ = std::max(data_end_, data_end);
    finished(1, now);
  }
  /// A write that needs no command of its own.
  void write_merged(Cycles now) { finished(1, now); }
  /// Crosses off the reads that are back after clock `now`; clocks must not go back.
  void retire(Cycles now) {
    if (returns_.all_arrived()) return;
    Cycles last = 0;
    const std::uint32_t count = returns_.arrive(now, last);
    if (count > 0) finished(count, last);
  }

  const ReturnQueue& returns() const { return returns_; }
  std::optional<std::uint32_t> take(Cycles now) {
    if (returns_.next_take() > now) return std::nullopt;
    retire(now - 1);
    return returns_.take();
  }

  std::uint32_t unfinished() const { return unfinished_; }
  Cycles data_end() const { return data_end_; }
  MemoryStats stats_at(Cycles now) const {
    MemoryStats out = stats;
    if (unfinished_ > 0 && now > busy_since_) out.busy_cycles += now - busy_since_;
    return out;
  }

  MemoryStats stats;

 private:
  void finished(std::uint32_t count, Cycles clock) {
    unfinished_ -= count;
    if (unfinished_ == 0) stats.busy_cycles += clock + 1 - busy_since_;
  }

  ReturnQueue returns_;
  std::uint32_t unfinished_ = 0;
  Cycles busy_since_ = 0, data_end_ = 0;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// What a DRAM channel writes down, whatever its scheduler: reads on their way back, unfinished accesses, counters.
#pragma once

#include <algorithm>
#include <cstdint>

#include "spatten/sim/memory/return_queue.h"

namespace spatten::sim {

class ChannelBooks {
 public:
  explicit ChannelBooks(ReturnOrder order) : returns_(order) {}

  void accepted(const MemoryAccess& access, Cycles now) {
    if (!access.is_write) returns_.accepted(access.tag);
    if (waiting_++ == 0 && now >= busy_until_) {  // after a pause
      stats.busy_cycles += busy_until_ - busy_since_;
      busy_since_ = now;
    }
  }
  /// A read whose command went, or that needs none; its data are back during clock `done`.
  void read_returns(std::uint32_t tag, Cycles done) {
    returns_.add(tag, done);
    data_end_ = std::max(data_end_, done + 1);
    finished(done);
  }
  /// A write command in clock `now` whose data are on the bus before clock `data_end`.
  void write_issued(Cycles now, Cycles data_end) {
    data_end_ = std::max(data_end_, data_end);
    finished(now);
  }
  /// A write that needs no command of its own.
  void write_merged(Cycles now) { finished(now); }

  const ReturnQueue& returns() const { return returns_; }
  /// The tag of the read that returns next.
  std::uint32_t take() { return returns_.take(); }

  /// When clock `next` begins.
  std::uint32_t unfinished(Cycles next) const { return waiting_ + returns_.under_way(next); }
  Cycles data_end() const { return data_end_; }
  MemoryStats stats_at(Cycles next) const {
    MemoryStats out = stats;
    const Cycles until = waiting_ > 0 ? next : std::min(next, busy_until_);
    out.busy_cycles += std::max(until, busy_since_) - busy_since_;
    return out;
  }

  MemoryStats stats;

 private:
  void finished(Cycles clock) {
    --waiting_;
    busy_until_ = std::max(busy_until_, clock + 1);
  }

  ReturnQueue returns_;
  std::uint32_t waiting_ = 0;  // accepted, without their column command
  // The current or last busy period; those before are in stats.
  Cycles busy_since_ = 0, busy_until_ = 0, data_end_ = 0;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// The cycles in which up to 64 units want to be ticked. Nearly all ask for the next one, which takes one bit.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "spatten/base/error.h"
#include "spatten/sim/core/cycles.h"

namespace spatten::sim {

class Alarms {
 public:
  explicit Alarms(std::size_t units) : later_(units, kNever) { SPATTEN_CHECK(units <= 64); }

  /// Wakes a unit in cycle `at`, the next one at the soonest. Of those behind the next one, its earliest is kept.
  void set(std::size_t unit, Cycles at) {
    if (at <= next_cycle_) {
      next_ |= std::uint64_t{1} << unit;
    } else if (at < later_[unit]) {
      later_[unit] = at;
      earliest_ = std::min(earliest_, at);
    }
  }
  /// Wakes all in the next cycle.
  void set_all() {
    for (std::size_t i = 0; i < later_.size(); ++i) set(i, next_cycle_);
  }

  /// The units that are due in cycle `now`, as bits.
  std::uint64_t take_due(Cycles now) {
    std::uint64_t due = next_;
    next_ = 0;
    next_cycle_ = now + 1;
    if (earliest_ <= now) due |= take_later(now);
    return due;
  }
  /// The next cycle in which a unit is due.
  Cycles next() const { return next_ != 0 ? next_cycle_ : earliest_; }

 private:
  std::uint64_t take_later(Cycles now) {
    std::uint64_t due = 0;
    Cycles earliest = kNever;
    for (std::size_t i = 0; i < later_.size(); ++i) {
      const bool is_due = later_[i] <= now;
      due |= std::uint64_t{is_due} << i;
      if (is_due) later_[i] = kNever;
      earliest = std::min(earliest, later_[i]);
    }
    earliest_ = earliest;
    return due;
  }

  Cycles next_cycle_ = 0;
  std::uint64_t next_ = 0;     // units that are due in it
  std::vector<Cycles> later_;  // by unit
  Cycles earliest_ = kNever;   // of these
};

}  // namespace spatten::sim

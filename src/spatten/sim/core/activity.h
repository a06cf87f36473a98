// SPDX-License-Identifier: Apache-2.0
// What a unit did with its time. Every cycle of a run counts once: busy + idle + stalled = cycles.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "spatten/sim/core/cycles.h"

namespace spatten::sim {

/// Why a unit could not go on although it had work, or why it had none.
enum class Why : std::uint8_t {
  kBusy,       ///< it worked
  kIdle,       ///< nothing to do
  kNoInput,    ///< stalled: in the middle of a row and waiting for data from upstream
  kNoRoom,     ///< stalled: the unit after it has no room
  kMemory,     ///< stalled: waiting for DRAM
  kOrder,      ///< stalled: waiting for its turn (an earlier row, a lock, the other half of a pair)
};
inline constexpr std::size_t kWhys = 6;

constexpr std::string_view why_name(Why why) {
  constexpr std::array<std::string_view, kWhys> kNames = {"busy", "idle", "no_input", "no_room", "memory", "order"};
  return kNames[static_cast<std::size_t>(why)];
}

class Activity {
 public:
  /// From `now` on, `why` holds. `now` does not go back.
  void set(Why why, Cycles now) {
    spent_[static_cast<std::size_t>(why_)] += now - since_;
    since_ = now;
    why_ = why;
  }
  Why why() const { return why_; }
  Cycles spent(Why why) const { return spent_[static_cast<std::size_t>(why)]; }
  Cycles busy() const { return spent(Why::kBusy); }
  Cycles idle() const { return spent(Why::kIdle); }
  Cycles stalled() const { return spent(Why::kNoInput) + spent(Why::kNoRoom) + spent(Why::kMemory) + spent(Why::kOrder); }
  Cycles total() const { return busy() + idle() + stalled(); }

  void add(const Activity& other) {
    for (std::size_t i = 0; i < kWhys; ++i) spent_[i] += other.spent_[i];
  }

 private:
  std::array<Cycles, kWhys> spent_{};
  Why why_ = Why::kIdle;
  Cycles since_ = 0;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/crossbar.h"

#include <algorithm>

namespace spatten::sim {

AddressCrossbar::AddressCrossbar(const CrossbarSpec& spec, std::uint32_t lanes, std::uint32_t channels,
                                 std::uint32_t access_bytes, std::uint64_t capacity_bytes)
    : Unit("address_crossbar"),
      in(*this, lanes, 2),
      out(*this),
      arbitration_(spec.arbitration),
      channels_(channels),
      channel_bytes_(capacity_bytes / channels),
      offset_bits_(static_cast<unsigned>(std::countr_zero(access_bytes))),
      channel_bits_(static_cast<unsigned>(std::countr_zero(channels))) {
  SPATTEN_CHECK(channels <= 64);
}

inline void AddressCrossbar::learn(LaneMask lanes) {
  known_ |= lanes;
  for_each_lane(lanes, [&](std::uint32_t lane) {
    const LaneAccess& access = in.front(lane);
    const std::uint32_t channel = channel_of(access.address);
    age_[lane] = access.set << 6 | lane;
    wanted_[channel] |= LaneMask{1} << lane;
    asked_ |= LaneMask{1} << channel;
  });
}

// Of two in the same set, the lower one.
inline std::uint32_t AddressCrossbar::oldest(LaneMask lanes) const {
  std::uint64_t best = ~std::uint64_t{0};
  for_each_lane(lanes, [&](std::uint32_t lane) { best = std::min(best, age_[lane]); });
  return best % 64;
}

inline std::uint32_t AddressCrossbar::winner(std::uint32_t channel) const {
  const LaneMask wanted = wanted_[channel];
  if (arbitration_ == Arbitration::kOldestFirst) return oldest(wanted);
  if (locked_[channel]) return locked_[channel] - 1;
  const LaneMask later = arbitration_ == Arbitration::kRoundRobin ? wanted & (~LaneMask{0} << next_[channel]) : 0;
  return static_cast<std::uint32_t>(std::countr_zero(later ? later : wanted));
}

Tick AddressCrossbar::tick(Cycles now) {
  learn(in.ready(now) & ~known_);
  const LaneMask asked = asked_, served = asked & out.room(now), refused = asked & ~served;
  stats_.conflicts += static_cast<std::uint64_t>(std::popcount(known_) - std::popcount(asked));
  // Where no choice is kept, none is made before there is room.
  if (arbitration_ != Arbitration::kOldestFirst) {
    for_each_lane(refused, [&](std::uint32_t channel) { locked_[channel] = winner(channel) + 1; });
  }
  LaneMask winners = 0;
  for_each_lane(served, [&](std::uint32_t channel) {
    const std::uint32_t lane = winner(channel);
    const LaneMask bit = LaneMask{1} << lane;
    winners |= bit;
    wanted_[channel] &= ~bit;
    asked_ ^= LaneMask{wanted_[channel] == 0} << channel;
    locked_[channel] = 0;
    next_[channel] = (lane + 1) % 64;
    out.next(channel) = {inside(in.front(lane).address), lane};
    ++stats_.transfers;
  });
  known_ &= ~winners;
  in.pop(winners, now);
  out.push(served, now);
  // What waits for a channel asks in every cycle: a full channel may have room as soon as it drains.
  const bool moved = served != 0;
  return {moved ? Why::kBusy : asked ? Why::kNoRoom : Why::kIdle, moved || !in.empty() ? now + 1 : kNever};
}

DataCrossbar::DataCrossbar(std::uint32_t lanes, std::uint32_t channels)
    : Unit("data_crossbar"), in(*this, channels, 2), out(*this) {
  SPATTEN_CHECK(lanes <= 64);
}

Tick DataCrossbar::tick(Cycles now) {
  const LaneMask ready = in.ready(now), room = out.room(now);
  LaneMask channels = 0, lanes = 0;  // that give and that take
  std::uint64_t transfers = 0, conflicts = 0;
  for_each_lane(ready, [&](std::uint32_t channel) {
    const LaneMask lane = (LaneMask{1} << in.front(channel)) & room & ~lanes;
    const bool passes = lane != 0;
    lanes |= lane;
    channels |= LaneMask{passes} << channel;
    transfers += passes;
    conflicts += !passes;
  });
  stats_.transfers += transfers;
  stats_.conflicts += conflicts;
  in.pop(channels, now);
  out.push(lanes, now);
  if (lanes == 0) return {ready ? Why::kNoRoom : Why::kIdle, kNever};
  return {Why::kBusy, now + 1};
}

}  // namespace spatten::sim

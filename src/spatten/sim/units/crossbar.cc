// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/crossbar.h"

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
      channel_bits_(static_cast<unsigned>(std::countr_zero(channels))),
      wanted_(channels),
      locked_(channels),
      next_(channels) {}

// Of two in the same set, the lower one.
std::uint32_t AddressCrossbar::oldest(LaneMask lanes) const {
  auto best = static_cast<std::uint32_t>(std::countr_zero(lanes));
  for_each_lane(lanes & (lanes - 1), [&](std::uint32_t lane) {
    if (in.front(lane).set < in.front(best).set) best = lane;
  });
  return best;
}

std::uint32_t AddressCrossbar::winner(std::uint32_t channel, LaneMask wanted) const {
  if (arbitration_ == Arbitration::kOldestFirst) return oldest(wanted);
  if (locked_[channel]) return locked_[channel] - 1;
  const LaneMask later = arbitration_ == Arbitration::kRoundRobin ? wanted & (~LaneMask{0} << next_[channel]) : 0;
  return static_cast<std::uint32_t>(std::countr_zero(later ? later : wanted));
}

Tick AddressCrossbar::tick(Cycles now) {
  const LaneMask fresh = in.ready(now) & ~known_;
  known_ |= fresh;
  for_each_lane(fresh, [&](std::uint32_t lane) {
    const std::uint32_t channel = channel_of(in.front(lane).address);
    wanted_[channel] |= LaneMask{1} << lane;
    asked_ |= LaneMask{1} << channel;
  });
  const LaneMask room = out.room(now), asked = asked_;
  stats_.conflicts += static_cast<std::uint64_t>(std::popcount(known_) - std::popcount(asked));
  // Where no choice is kept, none is made before there is room.
  const LaneMask choosing = arbitration_ == Arbitration::kOldestFirst ? asked & room : asked;
  for_each_lane(choosing, [&](std::uint32_t channel) {
    LaneMask& wanted = wanted_[channel];
    const std::uint32_t lane = winner(channel, wanted);
    if (!(room >> channel & 1)) {
      locked_[channel] = lane + 1;
      return;
    }
    locked_[channel] = 0;
    next_[channel] = (lane + 1) % 64;
    const LaneMask bit = LaneMask{1} << lane;
    known_ &= ~bit;
    if ((wanted &= ~bit) == 0) asked_ &= ~(LaneMask{1} << channel);
    const std::uint64_t address = in.pop(lane, now).address;
    const std::uint64_t inside = address >> (offset_bits_ + channel_bits_) << offset_bits_;
    out.push(channel, {inside < channel_bytes_ ? inside : inside % channel_bytes_, lane}, now);
    ++stats_.transfers;
  });
  // What waits for a channel asks in every cycle: a full channel may have room as soon as it drains.
  const bool moved = (asked & room) != 0;
  return {moved ? Why::kBusy : asked ? Why::kNoRoom : Why::kIdle, moved || !in.empty() ? now + 1 : kNever};
}

DataCrossbar::DataCrossbar(std::uint32_t lanes, std::uint32_t channels)
    : Unit("data_crossbar"), in(*this, channels, 2), out(*this) {
  SPATTEN_CHECK(lanes <= 64);
}

Tick DataCrossbar::tick(Cycles now) {
  LaneMask free = out.room(now);
  bool moved = false;
  const LaneMask ready = in.ready(now);
  for_each_lane(ready, [&](std::uint32_t channel) {
    const std::uint32_t lane = in.front(channel);
    if (!(free >> lane & 1)) {
      ++stats_.conflicts;
      return;
    }
    free &= ~(LaneMask{1} << lane);
    in.pop(channel, now);
    out.push(lane, {}, now);
    ++stats_.transfers;
    moved = true;
  });
  if (!moved) return {ready ? Why::kNoRoom : Why::kIdle, kNever};
  return {Why::kBusy, now + 1};
}

}  // namespace spatten::sim

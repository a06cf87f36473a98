// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/memory_unit.h"

#include <algorithm>

namespace spatten::sim {
namespace {

constexpr std::size_t kUrgentWrites = 8;  // a channel with so many waiting writes no longer gives way to reads

}  // namespace

MemoryUnit::MemoryUnit(Memory& memory)
    : Unit("memory"), in(*this, memory.channels(), 1, this), writes(*this, 4, 1), out(*this), memory_(memory),
      next_(memory.channels(), kNever), pending_(memory.channels()), queued_(memory.channels()) {
  for (std::uint32_t i = 0; i < memory.channels(); ++i) {
    channels_.push_back(&memory.channel(i));
    set_pending(i, 0);
  }
}

void MemoryUnit::set_pending(std::uint32_t channel, std::uint32_t pending) {
  pending_[channel] = pending;
  const auto set = [bit = LaneMask{1} << channel](LaneMask& mask, bool value) { mask = value ? mask | bit : mask & ~bit; };
  set(under_way_, pending > 0);
  set(near_limit_, pending + 1 >= memory_.pending_limit());
  set(at_limit_, pending >= memory_.pending_limit());
}

void MemoryUnit::spread(const OutputWrite& write) {
  for (std::uint32_t i = 0; i < write.accesses; ++i) {
    const ChannelAddress at = memory_.split(write.address + std::uint64_t{i} * memory_.access_bytes());
    queued_[at.channel].push_back(at.address);
    writing_ |= LaneMask{1} << at.channel;
    if (queued_[at.channel].size() >= kUrgentWrites) urgent_ |= LaneMask{1} << at.channel;
    ++waiting_writes_;
  }
}

// What is fixed when a cycle begins, asked for by the crossbar or by the tick, whichever comes first. An answer that waits
// behind another at the crossbar still counts as under way.
void MemoryUnit::look(Cycles now) {
  if (looked_at_ == now) return;
  looked_at_ = now;
  answering_ = out.room(now);
  taking_ = ~(at_limit_ | urgent_ | (near_limit_ & ~answering_));
  crowded_ = in.crowded();
}

LaneMask MemoryUnit::leaving(Cycles now) {
  look(now);
  return taking_ & ~crowded_;
}

// A read if there is one, else a write.
bool MemoryUnit::offer(std::uint32_t channel, Cycles now) {
  const LaneMask bit = LaneMask{1} << channel;
  MemoryChannel& memory = *channels_[channel];
  if (in.ready(now) & taking_ & bit) {
    const ChannelAccess& access = in.front(channel);
    if (!memory.offer({access.address, false, access.lane}, now)) return false;
    in.pop(channel, now);
    set_pending(channel, pending_[channel] + 1);
    return true;
  }
  std::deque<std::uint64_t>& queue = queued_[channel];
  if (queue.empty() || !memory.offer({queue.front(), true, 0}, now)) return false;
  queue.pop_front();
  --waiting_writes_;
  ++written_;
  if (queue.empty()) writing_ &= ~bit;
  if (queue.size() < kUrgentWrites) urgent_ &= ~bit;
  return true;
}

// One clock of one channel: offer, take, tick. True when something moved in or out.
bool MemoryUnit::serve(std::uint32_t channel, Cycles now) {
  MemoryChannel& memory = *channels_[channel];
  bool moved = offer(channel, now);
  if (next_[channel] <= now && (answering_ & under_way_) >> channel & 1) {
    if (const auto lane = memory.take(now)) {
      out.push(channel, {0, *lane}, now);
      set_pending(channel, pending_[channel] - 1);
      moved = true;
    }
  }
  memory.tick(now);
  next_[channel] = memory.next_event();
  return moved;
}

Tick MemoryUnit::tick(Cycles now) {
  look(now);
  LaneMask due = 0;
  for (std::size_t i = 0; i < next_.size(); ++i) due |= LaneMask{next_[i] <= now} << i;
  bool moved = false;
  for_each_lane((in.ready(now) & taking_) | writing_ | due, [&](std::uint32_t channel) { moved |= serve(channel, now); });
  const bool under_way = (under_way_ | writing_) != 0;
  while (writes.front(now) && waiting_writes_ < std::size_t{4} * channels_.size()) spread(writes.pop(now));
  Cycles wake = kNever;
  for (const Cycles next : next_) wake = std::min(wake, next);
  const bool waits = (moved && !under_way) || !in.empty() || !writes.empty() || waiting_writes_ > 0;
  return {moved || under_way ? Why::kBusy : Why::kIdle, waits ? now + 1 : std::max(wake, now + 1)};
}

bool MemoryUnit::drained() const {
  return writes.empty() && waiting_writes_ == 0 &&
         std::all_of(channels_.begin(), channels_.end(), [](const MemoryChannel* c) { return c->unfinished() == 0; });
}

Counters MemoryUnit::counters() const { return list_counters(memory_.stats()); }

std::string MemoryUnit::holding() const {
  std::uint64_t pending = 0;
  for (const std::uint32_t reads : pending_) pending += reads;
  return pending == 0 && waiting_writes_ == 0 ? std::string() : std::to_string(pending) + " reads under way";
}

}  // namespace spatten::sim

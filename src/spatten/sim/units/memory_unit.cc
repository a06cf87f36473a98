// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/memory_unit.h"

#include <algorithm>

namespace spatten::sim {
namespace {

constexpr std::size_t kUrgentWrites = 8;  // a channel with so many waiting writes no longer gives way to reads

}  // namespace

MemoryUnit::MemoryUnit(Memory& memory)
    : Unit("memory"), in(*this, memory.channels(), 1, this), writes(*this, 4, 1), out(*this), memory_(memory),
      channels_(memory.channels()) {
  for (std::uint32_t i = 0; i < memory.channels(); ++i) channels_[i].memory = &memory.channel(i);
}

void MemoryUnit::spread(const OutputWrite& write) {
  for (std::uint32_t i = 0; i < write.accesses; ++i) {
    const ChannelAddress at = memory_.split(write.address + std::uint64_t{i} * memory_.access_bytes());
    channels_[at.channel].writes.push_back(at.address);
    ++waiting_writes_;
  }
}

// What is fixed when a cycle begins, asked for by the crossbar or by the tick, whichever comes first. An answer that waits
// behind another at the crossbar still counts as under way.
void MemoryUnit::look(Cycles now) {
  if (looked_at_ == now) return;
  looked_at_ = now;
  answering_ = out.room(now);
  taking_ = crowded_ = 0;
  for (std::uint32_t i = 0; i < channels_.size(); ++i) {
    const Channel& c = channels_[i];
    const std::uint32_t waiting = answering_ >> i & 1 ? 0 : 1;
    if (c.pending + waiting < memory_.pending_limit() && c.writes.size() < kUrgentWrites) taking_ |= LaneMask{1} << i;
    if (in.size(i) > 1) crowded_ |= LaneMask{1} << i;
  }
}

LaneMask MemoryUnit::leaving(Cycles now) {
  look(now);
  return taking_ & ~crowded_;
}

// One clock of one channel: offer, take, tick. True when something moved in or out.
bool MemoryUnit::serve(std::uint32_t index, Cycles now) {
  Channel& c = channels_[index];
  bool moved = false;
  if (in.ready(now) & taking_ & LaneMask{1} << index) {
    const ChannelAccess& access = in.front(index);
    if (c.memory->offer({access.address, false, access.lane}, now)) {
      in.pop(index, now);
      ++c.pending;
      moved = true;
    }
  } else if (!c.writes.empty() && c.memory->offer({c.writes.front(), true, 0}, now)) {
    c.writes.pop_front();
    --waiting_writes_;
    ++written_;
    moved = true;
  }
  if ((answering_ >> index & 1) && c.pending > 0) {
    if (const auto lane = c.memory->take(now)) {
      out.push(index, {0, *lane}, now);
      --c.pending;
      moved = true;
    }
  }
  c.memory->tick(now);
  c.next = c.memory->next_event();
  return moved;
}

Tick MemoryUnit::tick(Cycles now) {
  look(now);
  const LaneMask reads = in.ready(now) & taking_;
  bool moved = false, under_way = false;
  Cycles wake = kNever;
  for (std::uint32_t i = 0; i < channels_.size(); ++i) {
    Channel& c = channels_[i];
    if ((reads >> i & 1) == 0 && c.writes.empty() && c.next > now) {
      wake = std::min(wake, c.next);
      under_way = under_way || c.pending > 0;
      continue;
    }
    moved |= serve(i, now);
    if (c.pending > 0 || !c.writes.empty()) under_way = true;
    wake = std::min(wake, c.writes.empty() ? std::max(c.next, now + 1) : now + 1);
  }
  while (writes.front(now) && waiting_writes_ < std::size_t{4} * channels_.size()) spread(writes.pop(now));
  if (!in.empty() || !writes.empty() || waiting_writes_ > 0) wake = now + 1;
  if (moved) return {Why::kBusy, wake};
  return {under_way ? Why::kBusy : Why::kIdle, wake};
}

bool MemoryUnit::drained() const {
  return writes.empty() && waiting_writes_ == 0 &&
         std::all_of(channels_.begin(), channels_.end(), [](const Channel& c) { return c.memory->unfinished() == 0; });
}

Counters MemoryUnit::counters() const { return list_counters(memory_.stats()); }

std::string MemoryUnit::holding() const {
  std::uint64_t pending = 0;
  for (const Channel& c : channels_) pending += c.pending;
  return pending == 0 && waiting_writes_ == 0 ? std::string() : std::to_string(pending) + " reads under way";
}

}  // namespace spatten::sim

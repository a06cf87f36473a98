// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/memory_unit.h"

namespace spatten::sim {
namespace {

constexpr std::size_t kUrgentWrites = 8;  // a channel with so many waiting writes no longer gives way to reads

}  // namespace

MemoryUnit::MemoryUnit(Memory& memory)
    : Unit("memory"), in(*this, memory.channels(), 2), writes(*this, 4, 1), out(*this), memory_(memory),
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

// One clock of one channel: offer, take, tick. True when something moved in or out.
bool MemoryUnit::serve(std::uint32_t index, Cycles now, bool has_read, bool may_answer) {
  Channel& c = channels_[index];
  bool moved = false;
  const bool read = has_read && c.pending < memory_.pending_limit();
  if (!c.writes.empty() && (!read || c.writes.size() >= kUrgentWrites)) {
    if (c.memory->offer({c.writes.front(), true, 0}, now)) {
      c.writes.pop_front();
      --waiting_writes_;
      ++written_;
      moved = true;
    }
  } else if (read) {
    const ChannelAccess& access = in.front(index);
    if (c.memory->offer({access.address, false, access.lane}, now)) {
      in.pop(index, now);
      ++c.pending;
      moved = true;
    }
  }
  if (may_answer && c.pending > 0) {
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
  while (writes.front(now) && waiting_writes_ < std::size_t{4} * channels_.size()) spread(writes.pop(now));
  const LaneMask ready = in.ready(now), room = out.room(now);
  bool moved = false, under_way = false;
  Cycles wake = writes.empty() ? kNever : now + 1;
  for (std::uint32_t i = 0; i < channels_.size(); ++i) {
    Channel& c = channels_[i];
    const bool has_read = ready >> i & 1;
    if (!has_read && c.writes.empty() && c.next > now) {
      wake = std::min(wake, c.next);
      under_way = under_way || c.pending > 0;
      continue;
    }
    moved |= serve(i, now, has_read, room >> i & 1);
    if (c.pending > 0 || !c.writes.empty()) under_way = true;
    // A read or write that was refused asks again in every cycle; an answer that found no room is asked for again, too.
    const bool again = (has_read && c.pending < memory_.pending_limit()) || !c.writes.empty();
    wake = std::min(wake, again ? now + 1 : std::max(c.next, now + 1));
  }
  if (moved) return {Why::kBusy, wake};
  return {under_way ? Why::kBusy : Why::kIdle, wake};
}

Counters MemoryUnit::counters() const { return list_counters(memory_.stats()); }

std::string MemoryUnit::holding() const {
  std::uint64_t pending = 0;
  for (const Channel& c : channels_) pending += c.pending;
  return pending == 0 && waiting_writes_ == 0 ? std::string() : std::to_string(pending) + " reads under way";
}

}  // namespace spatten::sim

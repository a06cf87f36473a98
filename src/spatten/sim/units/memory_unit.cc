// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/units/memory_unit.h"

#include <algorithm>

namespace spatten::sim {
namespace {

constexpr std::size_t kUrgentWrites = 8;  // a channel with so many waiting writes no longer gives way to reads

}  // namespace

MemoryUnit::MemoryUnit(Memory& memory)
    : Unit("memory"),
      in(*this, memory.channels(), 1, this),
      writes(*this, 4, 1),
      out(*this),
      memory_(memory),
      limit_(memory.pending_limit()),
      next_(memory.channels(), kNever),
      pending_(memory.channels()),
      queued_(memory.channels()) {
  for (std::uint32_t i = 0; i < memory.channels(); ++i) {
    channels_.push_back(&memory.channel(i));
    set_pending(i, 0);
  }
}

inline void MemoryUnit::set_pending(std::uint32_t channel, std::uint32_t pending) {
  pending_[channel] = pending;
  const auto set = [channel](LaneMask& mask, bool value) {
    mask = (mask & ~(LaneMask{1} << channel)) | (LaneMask{value} << channel);
  };
  set(under_way_, pending > 0);
  set(near_limit_, pending + 1 >= limit_);
  set(at_limit_, pending >= limit_);
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

// What is fixed when a cycle begins, asked for by the crossbar or by the tick, whichever comes first. An answer that
// waits behind another at the crossbar still counts as under way.
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

bool MemoryUnit::send_read(std::uint32_t channel, Cycles now) {
  const ChannelAccess& access = in.front(channel);
  const ChannelSent sent = channels_[channel]->send({access.address, false, access.lane}, now);
  next_[channel] = sent.next;
  if (!sent.accepted) return false;
  in.pop(channel, now);
  set_pending(channel, pending_[channel] + 1);
  return true;
}

bool MemoryUnit::send_write(std::uint32_t channel, Cycles now) {
  std::deque<std::uint64_t>& queue = queued_[channel];
  const ChannelSent sent = channels_[channel]->send({queue.front(), true, 0}, now);
  next_[channel] = sent.next;
  if (!sent.accepted) return false;
  queue.pop_front();
  --waiting_writes_;
  ++written_;
  const LaneMask bit = LaneMask{1} << channel;
  if (queue.empty()) writing_ &= ~bit;
  if (queue.size() < kUrgentWrites) urgent_ &= ~bit;
  return true;
}

bool MemoryUnit::receive(std::uint32_t channel, bool wanted, Cycles now) {
  const ChannelReceived received = channels_[channel]->receive(wanted, now);
  next_[channel] = received.next;
  if (!received.answered) return false;
  out.push(channel, received.tag, now);
  set_pending(channel, pending_[channel] - 1);
  return true;
}

// In each channel a read is sent if there is one, else a write, and an answer is taken.
Tick MemoryUnit::tick(Cycles now) {
  look(now);
  LaneMask due = 0;
  for (std::size_t i = 0; i < next_.size(); ++i) due |= LaneMask{next_[i] <= now} << i;
  bool moved = false;
  const LaneMask reads = in.ready(now) & taking_, wanted = answering_ & under_way_;
  for_each_lane(writing_ & ~reads, [&](std::uint32_t channel) { moved |= send_write(channel, now); });
  for_each_lane(reads, [&](std::uint32_t channel) { moved |= send_read(channel, now); });
  for_each_lane(due, [&](std::uint32_t channel) { moved |= receive(channel, wanted >> channel & 1, now); });
  const bool under_way = (under_way_ | writing_) != 0;
  while (writes.front(now) && waiting_writes_ < std::size_t{4} * channels_.size()) spread(writes.pop(now));
  Cycles wake = kNever;
  for (const Cycles next : next_) wake = std::min(wake, next);
  const bool waits = (moved && !under_way) || !in.empty() || !writes.empty() || waiting_writes_ > 0;
  return {moved || under_way ? Why::kBusy : Why::kIdle, waits ? now + 1 : std::max(wake, now + 1)};
}

bool MemoryUnit::drained() const {
  if (!writes.empty() || waiting_writes_ > 0) return false;
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (channels_[i]->unfinished() > 0 && next_[i] != kNever) return false;
  }
  return true;
}

Counters MemoryUnit::counters() const { return list_counters(memory_.stats()); }

std::string MemoryUnit::holding() const {
  std::uint64_t pending = 0;
  for (const std::uint32_t reads : pending_) pending += reads;
  return pending == 0 && waiting_writes_ == 0 ? std::string() : std::to_string(pending) + " reads under way";
}

}  // namespace spatten::sim

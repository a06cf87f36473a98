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
      next_(memory.channels(), kNever),
      places_(memory.channels(), memory.pending_limit()),
      queued_(memory.channels()) {
  for (std::uint32_t i = 0; i < memory.channels(); ++i) channels_.push_back(&memory.channel(i));
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

// What is fixed when a cycle begins, asked for by the crossbar or by the tick, whichever comes first. A channel takes a
// read while it has two places left, or one and room for an answer: an answer that waits behind another at the crossbar
// still counts as under way.
void MemoryUnit::look(Cycles now) {
  if (looked_at_ == now) return;
  looked_at_ = now;
  crowded_ = in.crowded();
  answering_ = out.room(now);
  LaneMask taking = 0;
  for (std::size_t i = places_.size(); i-- > 0;) taking = taking << 1 | (places_[i] + (answering_ >> i & 1) > 1);
  taking_ = taking & ~urgent_;
}

LaneMask MemoryUnit::leaving(Cycles now) {
  look(now);
  return taking_ & ~crowded_;
}

LaneMask MemoryUnit::send_reads(LaneMask channels, Cycles now) {
  LaneMask taken = 0;
  for_each_lane(channels, [&](std::uint32_t channel) {
    const ChannelAccess& access = in.front(channel);
    const ChannelSent sent = channels_[channel]->send({access.address, false, access.lane}, now);
    next_[channel] = sent.next;
    if (!sent.accepted) return;
    --places_[channel];
    ++reads_;
    taken |= LaneMask{1} << channel;
  });
  in.pop(taken, now);
  return taken;
}

LaneMask MemoryUnit::send_writes(LaneMask channels, Cycles now) {
  LaneMask taken = 0;
  for_each_lane(channels, [&](std::uint32_t channel) {
    std::deque<std::uint64_t>& queue = queued_[channel];
    const ChannelSent sent = channels_[channel]->send({queue.front(), true, 0}, now);
    next_[channel] = sent.next;
    if (!sent.accepted) return;
    const LaneMask bit = LaneMask{1} << channel;
    taken |= bit;
    queue.pop_front();
    --waiting_writes_;
    ++written_;
    if (queue.empty()) writing_ &= ~bit;
    if (queue.size() < kUrgentWrites) urgent_ &= ~bit;
  });
  return taken;
}

LaneMask MemoryUnit::receive(LaneMask channels, Cycles now) {
  LaneMask answered = 0;
  for_each_lane(channels, [&](std::uint32_t channel) {
    const ChannelReceived received = channels_[channel]->receive(answering_ >> channel & 1, now);
    next_[channel] = received.next;
    if (!received.answered) return;
    out.next(channel) = received.tag;
    ++places_[channel];
    --reads_;
    answered |= LaneMask{1} << channel;
  });
  out.push(answered, now);
  return answered;
}

// In each channel a read is sent if there is one, else a write, and an answer is taken.
Tick MemoryUnit::tick(Cycles now) {
  look(now);
  LaneMask due = 0;
  for (std::size_t i = next_.size(); i-- > 0;) due = due << 1 | (next_[i] <= now);
  const LaneMask reads = in.ready(now) & taking_;
  LaneMask moved = send_writes(writing_ & ~reads, now);
  moved |= send_reads(reads, now);
  moved |= receive(due, now);
  const bool under_way = reads_ > 0 || writing_ != 0;
  while (writes.front(now) && waiting_writes_ < std::size_t{4} * channels_.size()) spread(writes.pop(now));
  const Why why = moved || under_way ? Why::kBusy : Why::kIdle;
  const bool waits = (moved && !under_way) || !in.empty() || !writes.empty() || waiting_writes_ > 0;
  return {why, waits ? now + 1 : std::max(*std::min_element(next_.begin(), next_.end()), now + 1)};
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
  return reads_ == 0 && waiting_writes_ == 0 ? std::string() : std::to_string(reads_) + " reads under way";
}

}  // namespace spatten::sim

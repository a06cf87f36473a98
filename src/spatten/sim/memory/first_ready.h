// SPDX-License-Identifier: Apache-2.0
// First-ready, first-come scheduler with open pages (the policy of Ramulator 2, configs/memory/hbm2-r20 and -r21): of
// all waiting accesses the oldest whose next command - activate, precharge, read or write alike - may go now. An access
// whose row was opened for it is active: it goes before all others, and its bank is not closed under it. Reads wait in
// one queue and writes in another; one of the two is served at a time. Refreshes form a queue of their own, in which
// nothing starts.
#pragma once

#include <cstdint>

#include "spatten/sim/memory/access_queue.h"
#include "spatten/sim/memory/address_map.h"
#include "spatten/sim/memory/channel_books.h"
#include "spatten/sim/memory/dram_timing.h"

namespace spatten::sim {

class FirstReady {
 public:
  FirstReady(const DramSpec& spec, const DramTables& tables, ChannelBooks& books);

  /// False: its queue is full.
  bool offer(const MemoryAccess& access, Cycles now);
  /// One clock.
  void step(Cycles now);
  /// The next clock in which a step may do anything if nothing is offered before; may be one that has been.
  Cycles next_step() const {
    const Cycles commands = !refreshes_.empty() ? refresh_step_ : turns() ? 0 : std::min(due_[kHits], due_[kRows]);
    return std::min({refresh_due_, due_[kActive], commands});
  }
  /// Whether a read that `others` come before is taken in any case, and is answered from the array.
  bool takes_later(std::uint64_t address, std::size_t others) const {
    return queues_[kReads].size() + others < controller_.read_queue &&
           (queues_[kWrites].size() == 0 || !queues_[kWrites].holds_write(address, map_(address).bank));
  }
  /// Whether it is seen what it does before data come back: when its last write is on the bus.
  bool is_watched() const { return held_[kReads] == 0 && held_[kWrites] > 0; }
  /// Nothing waits: only refreshes go on.
  bool idle() const { return held_[kReads] + held_[kWrites] == 0; }
  /// See DramState::shift(); only while idle.
  void shift(Cycles by);

 private:
  enum Direction : std::uint8_t { kReads, kWrites };

  /// Kinds of commands that are looked for separately, each with a clock before which none of them can go: commands
  /// that are issued only delay others, so that the clock holds until a bank changes or an access arrives.
  enum Kind : std::uint8_t { kActive, kHits, kRows };

  static std::uint64_t bit(std::uint32_t bank) { return std::uint64_t{1} << bank; }
  DramCommand column_of(Direction direction) const {
    return direction == kReads ? DramCommand::kRead : DramCommand::kWrite;
  }
  DramCommand column_of(const WaitingAccess& a) const { return a.is_write ? DramCommand::kWrite : DramCommand::kRead; }
  AccessQueue& served() { return queues_[direction_]; }

  void bank_changed(std::uint32_t bank);
  void expect_waiting(std::uint32_t bank);
  void expect(Kind kind, Cycles clock) { due_[kind] = std::min(due_[kind], clock); }

  /// Writes go first while too many wait or no read does, until few are left and reads wait.
  bool turns() const {
    const std::uint32_t reads = queues_[kReads].size(), writes = queues_[kWrites].size();
    return direction_ == kReads ? writes > controller_.writes_start || reads == 0
                                : writes < controller_.writes_stop && reads != 0;
  }
  void choose_direction();

  // The oldest access whose command of that kind may go now: a bank, or a set of at most one place of the queue served.
  std::int32_t ready_active(Cycles now);
  AccessQueue::Set ready_hit(Cycles now);
  AccessQueue::Set ready_row(std::uint64_t closable, Cycles now);

  void column_clock(Cycles now);
  void row_clock(Cycles now);
  void single_clock(Cycles now);
  void refresh_clock(Cycles now);

  void count_row(WaitingAccess& access, std::uint64_t MemoryStats::*counter);
  void issue_row(AccessQueue::Set place, Cycles now);
  void issue_hit(AccessQueue::Set place, Cycles now);
  void issue_active(std::uint32_t bank, Cycles now);
  void issue_column(WaitingAccess& access, Cycles now);

  static constexpr std::int32_t kNone = -1;

  const DramController controller_;
  const DramTables& tables_;
  const AddressMap map_;
  ChannelBooks& books_;

  std::array<Cycles, 3> due_{kNever, kNever, kNever};    // by Kind
  Cycles refresh_due_ = kNever, refresh_step_ = kNever;  // next one of the interval; next command of one under way
  std::uint64_t active_banks_ = 0, arrivals_ = 0;
  std::array<std::uint32_t, 2> held_{};  // by direction: waiting or active
  Direction direction_ = kReads;
  Ring<std::uint32_t> refreshes_;  // pseudo-channels
  DramState state_;
  std::array<AccessQueue, 2> queues_;  // by direction
  std::array<WaitingAccess, kMaxBanks> active_;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// First-ready, first-come scheduler with open pages (the policy of Ramulator 2, configs/memory/hbm2-r20 and -r21): of
// all waiting accesses the oldest whose next command - activate, precharge, read or write alike - may go now. An access
// whose row was opened for it is active: it goes before all others, and its bank is not closed under it. Reads wait in
// one queue and writes in another; one of the two is served at a time. Refreshes form a queue of their own, in which
// nothing starts.
#pragma once

#include <cstdint>
#include <vector>

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
    return waiting_[kReads] + others < controller_.read_queue &&
           (waiting_[kWrites] == 0 || !write_waits(address, map_(address).bank));
  }
  /// Whether it is seen what it does before data come back: when its last write is on the bus.
  bool is_watched() const { return held_[kReads] == 0 && held_[kWrites] > 0; }
  /// Nothing waits: only refreshes go on.
  bool idle() const { return waiting_[0] + waiting_[1] == 0 && active_banks_ == 0; }
  /// See DramState::shift(); only while idle.
  void shift(Cycles by);

 private:
  enum Direction : std::uint8_t { kReads, kWrites };
  static constexpr std::int32_t kNone = -1;

  /// Kinds of commands that are looked for separately, each with a clock before which none of them can go: commands
  /// that are issued only delay others, so that the clock holds until a bank changes or an access arrives.
  enum Kind : std::uint8_t { kActive, kHits, kRows };

  struct Access {
    std::uint64_t address, order;
    std::uint32_t row, tag;
    std::uint8_t bank;
    Direction direction;
    bool counted;  // as hit, miss or conflict
    std::int32_t previous, next;
  };
  /// The accesses of one bank and direction in order of arrival.
  struct BankList {
    std::int32_t first = kNone, last = kNone;
    std::int32_t hit = kNone;    // oldest to the open row
    std::int32_t other = kNone;  // oldest that needs another row
  };
  struct Choice {
    std::int32_t access = kNone;
    DramCommand command = DramCommand::kRead;
    std::uint64_t order = ~std::uint64_t{0};
  };

  static std::uint64_t bit(std::uint32_t bank) { return std::uint64_t{1} << bank; }
  Access& at(std::int32_t index) { return accesses_[static_cast<std::size_t>(index)]; }
  const Access& at(std::int32_t index) const { return accesses_[static_cast<std::size_t>(index)]; }
  DramCommand column_of(const Access& a) const {
    return a.direction == kReads ? DramCommand::kRead : DramCommand::kWrite;
  }

  void append(std::int32_t index);
  void remove(std::int32_t index);
  void bank_changed(std::uint32_t bank);
  void look_at(Direction direction, std::uint32_t bank);
  void expect(std::uint32_t bank);
  void expect_hit(std::uint32_t bank);
  void expect(Kind kind, Cycles clock) { due_[kind] = std::min(due_[kind], clock); }
  bool write_waits(std::uint64_t address, std::uint32_t bank) const {
    for (std::int32_t i = lists_[kWrites][bank].first; i != kNone; i = at(i).next) {
      if (at(i).address == address) return true;
    }
    return false;
  }

  /// Writes go first while too many wait or no read does, until few are left and reads wait.
  bool turns() const {
    return direction_ == kReads ? waiting_[kWrites] > controller_.writes_start || waiting_[kReads] == 0
                                : waiting_[kWrites] < controller_.writes_stop && waiting_[kReads] != 0;
  }
  void choose_direction();
  void consider(Choice& best, Kind kind, std::int32_t access, DramCommand command, Cycles now);
  template <class AccessOf>
  void consider_banks(Choice& best, Kind kind, std::uint64_t banks, DramCommand command, Cycles now,
                      AccessOf access_of);
  void consider_active(Choice& best, Cycles now);
  void consider_hits(Choice& best, Cycles now);
  void consider_rows(Choice& best, std::uint64_t closable, Cycles now);
  void column_clock(Cycles now);
  void row_clock(Cycles now);
  void single_clock(Cycles now);
  void refresh_clock(Cycles now);

  void issue(const Choice& choice, Cycles now);
  void count_row(Access& access, std::uint64_t MemoryStats::*counter);
  void issue_column(std::int32_t index, Cycles now);

  const DramController controller_;
  const DramTables& tables_;
  const AddressMap map_;
  ChannelBooks& books_;

  std::vector<Access> accesses_;
  std::vector<std::int32_t> free_;
  std::array<std::uint64_t, 2> queued_banks_{}, hit_banks_{},
      other_banks_{};  // by direction; the last two of open banks
  std::uint64_t active_banks_ = 0, arrivals_ = 0;
  std::array<std::uint32_t, 2> waiting_{}, held_{};  // by direction; held: waiting or active
  Direction direction_ = kReads;
  Ring<std::uint32_t> refreshes_;                        // pseudo-channels
  std::array<Cycles, 3> due_{kNever, kNever, kNever};    // by Kind
  Cycles refresh_due_ = kNever, refresh_step_ = kNever;  // next one of the interval; next command of one under way
  std::array<std::int32_t, kMaxBanks> active_;
  std::array<std::array<BankList, kMaxBanks>, 2> lists_;
  DramState state_;
};

}  // namespace spatten::sim

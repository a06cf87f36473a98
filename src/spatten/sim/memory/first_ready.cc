// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/memory/first_ready.h"

namespace spatten::sim {

using enum DramCommand;

// The private functions are inline: the library is position-independent, where the compiler may inline no others.

FirstReady::FirstReady(const DramSpec& spec, const DramTables& tables, ChannelBooks& books)
    : controller_(spec.controller), tables_(tables), map_(spec), books_(books), state_(tables) {
  accesses_.resize(std::size_t{controller_.read_queue} + controller_.write_queue + kMaxBanks);
  for (std::size_t i = accesses_.size(); i > 0; --i) free_.push_back(static_cast<std::int32_t>(i - 1));
  active_.fill(kNone);
  if (spec.refresh.policy != RefreshPolicy::kNone) refresh_due_ = spec.refresh.first;
}

bool FirstReady::offer(const MemoryAccess& access, Cycles now) {
  const AddressMap::Place place = map_(access.address);
  const Direction direction = access.is_write ? kWrites : kReads;
  if (waiting_[kWrites] > 0 && (access.is_write ? controller_.merge_writes : controller_.forward_writes) &&
      write_waits(access.address, place.bank)) {
    books_.accepted(access, now);
    if (access.is_write) {
      books_.write_merged(now);
    } else {
      books_.read_returns(access.tag, std::max(now, books_.returns().last_done()));  // handed over in order
    }
    return true;
  }
  if (waiting_[direction] >= (access.is_write ? controller_.write_queue : controller_.read_queue)) return false;
  books_.accepted(access, now);
  const std::int32_t index = free_.back();
  free_.pop_back();
  at(index) = {access.address, arrivals_++, place.row, access.tag, static_cast<std::uint8_t>(place.bank),
               direction,      false,       kNone,     kNone};
  append(index);
  ++held_[direction];
  return true;
}

inline void FirstReady::append(std::int32_t index) {
  Access& a = at(index);
  BankList& list = lists_[a.direction][a.bank];
  a.previous = list.last;
  (list.last == kNone ? list.first : at(list.last).next) = index;
  list.last = index;
  ++waiting_[a.direction];
  queued_banks_[a.direction] |= bit(a.bank);
  if (state_.is_open(a.bank)) {
    const bool hit = a.row == state_.open_row(a.bank);
    std::int32_t& oldest = hit ? list.hit : list.other;
    if (oldest != kNone) return;
    oldest = index;
    (hit ? hit_banks_ : other_banks_)[a.direction] |= bit(a.bank);
    if (a.direction != direction_) return;
    hit ? expect_hit(a.bank) : expect(kRows, state_.ready(kPrecharge, a.bank));
  } else if (list.first == index && a.direction == direction_) {
    expect(kRows, state_.ready(kActivate, a.bank));
  }
}

inline void FirstReady::expect_hit(std::uint32_t bank) {
  expect(kHits, state_.ready(direction_ == kReads ? kRead : kWrite, bank));
}

/// Sees to it that the commands which the accesses of a bank wait for are looked for in time.
inline void FirstReady::expect(std::uint32_t bank) {
  const std::uint64_t b = bit(bank);
  if ((active_banks_ & b) != 0) expect(kActive, state_.ready(column_of(at(active_[bank])), bank));
  if ((hit_banks_[direction_] & b) != 0) expect_hit(bank);
  if ((other_banks_[direction_] & b) != 0) expect(kRows, state_.ready(kPrecharge, bank));
  if ((queued_banks_[direction_] & ~state_.open_banks() & b) != 0) expect(kRows, state_.ready(kActivate, bank));
}

/// Takes an access that is the oldest hit of an open bank, or the first of a closed one, out of its list.
inline void FirstReady::remove(std::int32_t index) {
  const Access& a = at(index);
  BankList& list = lists_[a.direction][a.bank];
  (a.previous == kNone ? list.first : at(a.previous).next) = a.next;
  (a.next == kNone ? list.last : at(a.next).previous) = a.previous;
  --waiting_[a.direction];
  if (list.first == kNone) queued_banks_[a.direction] &= ~bit(a.bank);
  if (list.hit != index) return;
  std::int32_t next = a.next;
  while (next != kNone && at(next).row != a.row) next = at(next).next;
  list.hit = next;
  if (next == kNone) hit_banks_[a.direction] &= ~bit(a.bank);
}

/// Finds the oldest hit and the oldest other of a bank that was just opened or closed.
inline void FirstReady::look_at(Direction direction, std::uint32_t bank) {
  BankList& list = lists_[direction][bank];
  list.hit = list.other = kNone;
  if (state_.is_open(bank)) {
    const std::uint32_t row = state_.open_row(bank);
    for (std::int32_t i = list.first; i != kNone && (list.hit == kNone || list.other == kNone); i = at(i).next) {
      std::int32_t& oldest = at(i).row == row ? list.hit : list.other;
      if (oldest == kNone) oldest = i;
    }
  }
  const auto set = [bank](std::uint64_t& banks, bool in) { banks = in ? banks | bit(bank) : banks & ~bit(bank); };
  set(hit_banks_[direction], list.hit != kNone);
  set(other_banks_[direction], list.other != kNone);
}

inline void FirstReady::bank_changed(std::uint32_t bank) {
  for (const Direction d : {kReads, kWrites}) look_at(d, bank);
  expect(bank);
}

void FirstReady::step(Cycles now) {
  if (now >= refresh_due_) {
    for (std::uint32_t p = 0; p < tables_.organization().pseudo_channels; ++p) refreshes_.push(p);
    refresh_due_ += tables_.refresh_interval();
    refresh_step_ = now;
  }
  if (controller_.command_bus == CommandBus::kOne) {
    single_clock(now);
  } else {
    column_clock(now);
    row_clock(now);
  }
}

inline void FirstReady::choose_direction() {
  if (!turns()) return;
  direction_ = direction_ == kReads ? kWrites : kReads;
  due_[kHits] = due_[kRows] = 0;
}

/// A command that may go; one that is left over may still go in the next clock.
inline void FirstReady::consider(Choice& best, Kind kind, std::int32_t access, DramCommand command, Cycles now) {
  if (best.access != kNone) expect(kind, now + 1);
  const std::uint64_t order = at(access).order;
  if (order < best.order) best = {access, command, order};
}

/// One command for each of these banks; those that must wait are looked for again when they may go.
template <class AccessOf>
inline void FirstReady::consider_banks(Choice& best, Kind kind, std::uint64_t banks, DramCommand command, Cycles now,
                                       AccessOf access_of) {
  for (std::uint32_t p = 0; banks != 0; ++p) {
    std::uint64_t part = banks & state_.banks_of(p);
    if (part == 0) continue;
    banks &= ~part;
    const Cycles shared = state_.ready_all(command, p);
    if (shared > now) {
      expect(kind, shared);
      continue;
    }
    for (; part != 0; part &= part - 1) {
      const auto bank = static_cast<std::uint32_t>(std::countr_zero(part));
      const Cycles ready = state_.ready_below(command, bank);
      if (ready <= now) {
        consider(best, kind, access_of(bank), command, now);
      } else {
        expect(kind, ready);
      }
    }
  }
}

inline void FirstReady::consider_active(Choice& best, Cycles now) {
  if (now < due_[kActive]) return;
  due_[kActive] = kNever;
  for (std::uint64_t banks = active_banks_; banks != 0; banks &= banks - 1) {
    const auto bank = static_cast<std::uint32_t>(std::countr_zero(banks));
    const DramCommand command = column_of(at(active_[bank]));
    const Cycles ready = state_.ready(command, bank);
    if (ready <= now) {
      consider(best, kActive, active_[bank], command, now);
    } else {
      expect(kActive, ready);
    }
  }
}

inline void FirstReady::consider_hits(Choice& best, Cycles now) {
  if (now < due_[kHits]) return;
  due_[kHits] = kNever;
  consider_banks(best, kHits, hit_banks_[direction_], direction_ == kReads ? kRead : kWrite, now,
                 [this](std::uint32_t bank) { return lists_[direction_][bank].hit; });
}

/// Activates of closed banks, precharges of open ones in `closable`.
inline void FirstReady::consider_rows(Choice& best, std::uint64_t closable, Cycles now) {
  if (now < due_[kRows]) return;
  due_[kRows] = kNever;
  const auto& lists = lists_[direction_];
  consider_banks(best, kRows, queued_banks_[direction_] & ~state_.open_banks(), kActivate, now,
                 [&lists](std::uint32_t bank) { return lists[bank].first; });
  consider_banks(best, kRows, other_banks_[direction_] & closable, kPrecharge, now,
                 [&lists](std::uint32_t bank) { return lists[bank].other; });
}

inline void FirstReady::column_clock(Cycles now) {
  Choice best;
  consider_active(best, now);
  if (best.access == kNone && refreshes_.empty()) {
    choose_direction();
    consider_hits(best, now);
  }
  if (best.access != kNone) issue(best, now);
}

inline void FirstReady::row_clock(Cycles now) {
  if (!refreshes_.empty()) return refresh_clock(now);
  choose_direction();
  Choice best;
  consider_rows(best, ~active_banks_, now);
  if (best.access != kNone) issue(best, now);
}

inline void FirstReady::single_clock(Cycles now) {
  Choice best;
  consider_active(best, now);
  if (best.access == kNone) {
    if (!refreshes_.empty()) return refresh_clock(now);
    choose_direction();
    consider_hits(best, now);
    consider_rows(
        best, controller_.blocked_precharge == BlockedPrecharge::kSkipped ? ~active_banks_ : ~std::uint64_t{0}, now);
    if (best.access == kNone) return;
    expect(kHits, now + 1);  // either kind may have lost to the other
    expect(kRows, now + 1);
  }
  // A precharge that must wait for an active access may cost the clock (blocked_precharge); the next one looks again.
  if (best.command == kPrecharge && (active_banks_ & bit(at(best.access).bank)) != 0) return;
  issue(best, now);
}

void FirstReady::refresh_clock(Cycles now) {
  const std::uint32_t p = refreshes_.front();
  const std::uint64_t banks = state_.banks_of(p);
  const bool open = (state_.open_banks() & banks) != 0;
  refresh_step_ = kNever;
  if (open && (active_banks_ & banks) != 0) return;  // goes on when their accesses have been served
  const Cycles ready = state_.ready_all(open ? kPrechargeAll : kRefresh, p);
  refresh_step_ = ready > now ? ready : now + 1;
  if (ready > now) return;
  if (open) {
    state_.precharge_all(p, now);
    ++books_.stats.precharges;
    for (std::uint64_t b = banks & (queued_banks_[0] | queued_banks_[1]); b != 0; b &= b - 1)
      bank_changed(static_cast<std::uint32_t>(std::countr_zero(b)));
  } else {
    state_.refresh(p, now);
    ++books_.stats.refreshes;
    refreshes_.pop();
    due_[kHits] = due_[kRows] = now + 1;
  }
}

inline void FirstReady::count_row(Access& access, std::uint64_t MemoryStats::*counter) {
  if (access.counted) return;
  access.counted = true;
  ++(books_.stats.*counter);
}

inline void FirstReady::issue(const Choice& choice, Cycles now) {
  Access& access = at(choice.access);
  switch (choice.command) {
    case kActivate:
      count_row(access, &MemoryStats::row_misses);
      ++books_.stats.activates;
      remove(choice.access);
      active_[access.bank] = choice.access;
      active_banks_ |= bit(access.bank);
      state_.activate(access.bank, access.row, now);
      bank_changed(access.bank);
      break;
    case kPrecharge:
      count_row(access, &MemoryStats::row_conflicts);
      ++books_.stats.precharges;
      state_.precharge(access.bank, now);
      bank_changed(access.bank);
      break;
    default:
      issue_column(choice.access, now);
  }
}

inline void FirstReady::issue_column(std::int32_t index, Cycles now) {
  Access& access = at(index);
  count_row(access, &MemoryStats::row_hits);
  state_.column(column_of(access), access.bank, now);
  if (active_[access.bank] == index) {
    active_[access.bank] = kNone;
    active_banks_ &= ~bit(access.bank);
    if (!refreshes_.empty()) refresh_step_ = now;
    expect(access.bank);  // it may be closed now
  } else {
    remove(index);
    if ((hit_banks_[direction_] & bit(access.bank)) != 0) expect_hit(access.bank);
  }
  --held_[access.direction];
  if (access.direction == kReads) {
    ++books_.stats.reads;
    books_.read_returns(access.tag, now + tables_.read_latency());
  } else {
    ++books_.stats.writes;
    books_.write_issued(now, now + tables_.write_latency() + 1);
  }
  free_.push_back(index);
}

void FirstReady::shift(Cycles by) {
  state_.shift(by);
  due_ = {0, 0, 0};  // too early does no harm
  if (refresh_step_ != kNever) refresh_step_ += by;
  if (refresh_due_ != kNever) refresh_due_ += by;
}

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/memory/first_ready.h"

namespace spatten::sim {

using enum DramCommand;
using Set = AccessQueue::Set;

// The private functions are inline: the library is position-independent, where the compiler may inline no others.

FirstReady::FirstReady(const DramSpec& spec, const DramTables& tables, ChannelBooks& books)
    : controller_(spec.controller),
      tables_(tables),
      map_(spec),
      books_(books),
      state_(tables),
      queues_{AccessQueue(tables), AccessQueue(tables)} {
  if (spec.refresh.policy != RefreshPolicy::kNone) refresh_due_ = spec.refresh.first;
}

bool FirstReady::offer(const MemoryAccess& access, Cycles now) {
  const AddressMap::Place place = map_(access.address);
  const Direction direction = access.is_write ? kWrites : kReads;
  AccessQueue& queue = queues_[direction];
  if (queues_[kWrites].size() > 0 && (access.is_write ? controller_.merge_writes : controller_.forward_writes) &&
      queues_[kWrites].holds_write(access.address, place.bank)) {
    books_.accepted(access, now);
    if (access.is_write) {
      books_.write_merged(now);
    } else {
      books_.read_returns(access.tag, books_.returns().free_clock(now));
    }
    return true;
  }
  if (queue.size() >= (access.is_write ? controller_.write_queue : controller_.read_queue)) return false;
  books_.accepted(access, now);
  const bool open = state_.is_open(place.bank), hit = open && place.row == state_.open_row(place.bank);
  queue.push({arrivals_++, access.tag, place.row, static_cast<std::uint8_t>(place.bank), access.is_write, false},
             access.address, hit);
  ++held_[direction];
  if (direction == direction_) {
    const DramCommand command = hit ? column_of(direction) : open ? kPrecharge : kActivate;
    expect(hit ? kHits : kRows, state_.ready(command, place.bank));
  }
  return true;
}

/// Sees to it that the commands which the accesses of a bank wait for are looked for in time.
inline void FirstReady::expect_waiting(std::uint32_t bank) {
  if ((active_banks_ & bit(bank)) != 0) expect(kActive, state_.ready(column_of(active_[bank]), bank));
  const AccessQueue& queue = served();
  if ((queue.of_bank(bank) & queue.hits()) != 0) expect(kHits, state_.ready(column_of(direction_), bank));
  if ((queue.of_bank(bank) & queue.others()) != 0) {
    expect(kRows, state_.ready(state_.is_open(bank) ? kPrecharge : kActivate, bank));
  }
}

inline void FirstReady::bank_changed(std::uint32_t bank) {
  for (AccessQueue& queue : queues_) {
    if (queue.of_bank(bank) == 0) continue;
    state_.is_open(bank) ? queue.bank_opened(bank, state_.open_row(bank)) : queue.bank_closed(bank);
  }
  expect_waiting(bank);
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

inline std::int32_t FirstReady::ready_active(Cycles now) {
  std::int32_t best = kNone;
  if (now < due_[kActive]) return best;
  due_[kActive] = kNever;
  for (std::uint64_t banks = active_banks_; banks != 0; banks &= banks - 1) {
    const auto bank = static_cast<std::uint32_t>(std::countr_zero(banks));
    const Cycles ready = state_.ready(column_of(active_[bank]), bank);
    if (ready > now) {
      expect(kActive, ready);
      continue;
    }
    if (best != kNone) expect(kActive, now + 1);  // one of the two is left over
    if (best == kNone || active_[bank].order < active_[static_cast<std::size_t>(best)].order)
      best = static_cast<std::int32_t>(bank);
  }
  return best;
}

/// One that has to wait leaves out all that wait for the same bank, group or pseudo-channel.
inline Set FirstReady::ready_hit(Cycles now) {
  if (now < due_[kHits]) return 0;
  due_[kHits] = kNever;
  const AccessQueue& queue = served();
  const DramCommand command = column_of(direction_);
  for (Set hits = queue.hits(); hits != 0;) {
    const Set place = AccessQueue::oldest(hits);
    const std::uint32_t bank = queue.bank_at(place);
    if (const Cycles ready = state_.ready_all(command, state_.pseudo_channel_of(bank)); ready > now) {
      expect(kHits, ready);
      hits &= ~queue.of_pseudo_channel_of(bank);
    } else if (const Cycles in_group = state_.ready_in_group(command, bank); in_group > now) {
      expect(kHits, in_group);
      hits &= ~queue.of_group_of(bank);
    } else if (const Cycles in_bank = state_.ready_in_bank(command, bank); in_bank > now) {
      expect(kHits, in_bank);
      hits &= ~queue.of_bank(bank);
    } else {
      if (hits != place) expect(kHits, now + 1);
      return place;
    }
  }
  return 0;
}

/// Activates of closed banks, precharges of open ones in `closable`.
inline Set FirstReady::ready_row(std::uint64_t closable, Cycles now) {
  if (now < due_[kRows]) return 0;
  due_[kRows] = kNever;
  const AccessQueue& queue = served();
  const std::uint64_t banks = closable | ~state_.open_banks();
  for (Set others = queue.others(); others != 0;) {
    const Set place = AccessQueue::oldest(others);
    const std::uint32_t bank = queue.bank_at(place);
    if ((banks & bit(bank)) != 0) {
      const Cycles ready = state_.ready(state_.is_open(bank) ? kPrecharge : kActivate, bank);
      if (ready <= now) {
        if (others != place) expect(kRows, now + 1);
        return place;
      }
      expect(kRows, ready);
    }
    others &= ~queue.of_bank(bank);
  }
  return 0;
}

inline void FirstReady::column_clock(Cycles now) {
  const std::int32_t active = ready_active(now);
  if (active != kNone) return issue_active(static_cast<std::uint32_t>(active), now);
  if (!refreshes_.empty()) return;
  choose_direction();
  if (const Set hit = ready_hit(now); hit != 0) issue_hit(hit, now);
}

inline void FirstReady::row_clock(Cycles now) {
  if (!refreshes_.empty()) return refresh_clock(now);
  choose_direction();
  if (const Set row = ready_row(~active_banks_, now); row != 0) issue_row(row, now);
}

inline void FirstReady::single_clock(Cycles now) {
  const std::int32_t active = ready_active(now);
  if (active != kNone) return issue_active(static_cast<std::uint32_t>(active), now);
  if (!refreshes_.empty()) return refresh_clock(now);
  choose_direction();
  const bool skips = controller_.blocked_precharge == BlockedPrecharge::kSkipped;
  const Set hit = ready_hit(now), row = ready_row(skips ? ~active_banks_ : ~std::uint64_t{0}, now);
  const Set best = AccessQueue::oldest(hit | row);
  if (best == 0) return;
  expect(kHits, now + 1);  // either kind may have lost to the other
  expect(kRows, now + 1);
  if (best == hit) return issue_hit(hit, now);
  // A precharge that must wait for an active access may cost the clock (blocked_precharge); the next one looks again.
  if ((active_banks_ & bit(served().at(row).bank)) == 0) issue_row(row, now);
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
    for (std::uint64_t b = banks; b != 0; b &= b - 1) bank_changed(static_cast<std::uint32_t>(std::countr_zero(b)));
  } else {
    state_.refresh(p, now);
    ++books_.stats.refreshes;
    refreshes_.pop();
    due_[kHits] = due_[kRows] = now + 1;
  }
}

inline void FirstReady::count_row(WaitingAccess& access, std::uint64_t MemoryStats::*counter) {
  if (access.counted) return;
  access.counted = true;
  ++(books_.stats.*counter);
}

/// Closes the bank of the access, or opens it for the access.
inline void FirstReady::issue_row(Set place, Cycles now) {
  WaitingAccess& access = served().at(place);
  const std::uint32_t bank = access.bank;
  if (state_.is_open(bank)) {
    count_row(access, &MemoryStats::row_conflicts);
    ++books_.stats.precharges;
    state_.precharge(bank, now);
  } else {
    count_row(access, &MemoryStats::row_misses);
    ++books_.stats.activates;
    active_[bank] = access;
    active_banks_ |= bit(bank);
    served().remove(place);
    state_.activate(bank, access.row, now);
  }
  bank_changed(bank);
}

inline void FirstReady::issue_hit(Set place, Cycles now) {
  WaitingAccess& access = served().at(place);
  count_row(access, &MemoryStats::row_hits);
  served().remove(place);
  issue_column(access, now);
}

inline void FirstReady::issue_active(std::uint32_t bank, Cycles now) {
  active_banks_ &= ~bit(bank);
  issue_column(active_[bank], now);
  if (!refreshes_.empty()) refresh_step_ = now;
  expect_waiting(bank);  // it may be closed now
}

inline void FirstReady::issue_column(WaitingAccess& access, Cycles now) {
  state_.column(column_of(access), access.bank, now);
  --held_[access.is_write ? kWrites : kReads];
  if (access.is_write) {
    ++books_.stats.writes;
    books_.write_issued(now, now + tables_.write_latency() + 1);
  } else {
    ++books_.stats.reads;
    books_.read_returns(access.tag, books_.returns().free_clock(now + tables_.read_latency()));
  }
}

void FirstReady::shift(Cycles by) {
  state_.shift(by);
  due_ = {0, 0, 0};  // too early does no harm
  if (refresh_step_ != kNever) refresh_step_ += by;
  if (refresh_due_ != kNever) refresh_due_ += by;
}

}  // namespace spatten::sim

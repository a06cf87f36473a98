// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/memory/bank_queues.h"

namespace spatten::sim {

using enum DramCommand;

PseudoChannelQueues::PseudoChannelQueues(const DramSpec& spec, const DramTables& tables, ChannelBooks& books,
                                         DramState& state, std::uint32_t index)
    : controller_(spec.controller),
      tables_(tables),
      books_(books),
      state_(state),
      index_(index),
      banks_(spec.organization.banks_per_pseudo_channel()),
      first_bank_(index * banks_),
      queues_(banks_),
      hits_(banks_, 0) {
  reads_.reserve(controller_.read_queue);
  writes_.reserve(controller_.write_queue);
  for (Queue& q : queues_) q.reserve(controller_.bank_queue);
  if (spec.refresh.policy != RefreshPolicy::kNone) refresh_due_ = spec.refresh.first;
}

bool PseudoChannelQueues::write_waits(std::uint64_t address, std::uint32_t bank) const {
  const auto same = [address](const Access& a) { return a.is_write && a.address == address; };
  return std::any_of(writes_.begin(), writes_.end(), same) ||
         std::any_of(queues_[bank].begin(), queues_[bank].end(), same);
}

PseudoChannelQueues::Access* PseudoChannelQueues::waiting_read(std::uint64_t address, std::uint32_t bank) {
  for (Queue* queue : {&reads_, &queues_[bank]}) {
    for (Access& a : *queue) {
      if (!a.is_write && a.address == address) return &a;
    }
  }
  return nullptr;
}

bool PseudoChannelQueues::offer(const MemoryAccess& access, AddressMap::Place place, Cycles now) {
  const std::uint32_t bank = place.bank - first_bank_;
  Queue& queue = access.is_write ? writes_ : reads_;
  if (queue.size() >= (access.is_write ? controller_.write_queue : controller_.read_queue)) return false;
  books_.accepted(access, now);
  if ((access.is_write ? controller_.merge_writes : controller_.forward_writes) && write_waits(access.address, bank)) {
    if (access.is_write) {
      books_.write_merged(now);
    } else {
      books_.read_returns(access.tag, now + 1);
    }
    return true;
  }
  if (!access.is_write && controller_.merge_reads) {
    if (Access* first = waiting_read(access.address, bank)) {
      first->shared = true;
      shared_.emplace_back(access.address, access.tag);
      return true;
    }
  }
  queue.push_back(
      {access.address, place.row, access.tag, static_cast<std::uint8_t>(place.bank), access.is_write, false, false});
  return true;
}

Cycles PseudoChannelQueues::step(Cycles now) {
  if (now >= refresh_due_) {
    refreshing_ = true;
    refresh_due_ += tables_.refresh_interval();
  }
  earliest_ = refresh_due_;
  bool changed = false;
  if (refreshing_) {
    changed = refresh_clock(now);
  } else if (const auto first = poll(now)) {
    issue(*first, now);
    changed = true;
    // The second bus; a row command after a row command is lost, and with it the turn of its bank.
    if (controller_.command_bus == CommandBus::kRowAndColumn) {
      const auto second = poll(now);
      if (second && second->is_column() != first->is_column()) issue(*second, now);
    }
  }
  changed |= schedule_transaction();
  return changed ? now + 1 : earliest_;
}

bool PseudoChannelQueues::ready(DramCommand command, std::uint32_t bank, Cycles now) {
  const Cycles at = state_.ready(command, channel_bank(bank));
  if (at > now) earliest_ = std::min(earliest_, at);
  return at <= now;
}

/// Closes one open bank, or refreshes when all are closed.
bool PseudoChannelQueues::refresh_clock(Cycles now) {
  bool open = false;
  for (std::uint32_t bank = 0; bank < banks_; ++bank) {
    if (!state_.is_open(channel_bank(bank))) continue;
    open = true;
    if (!ready(kPrecharge, bank, now)) continue;
    ++books_.stats.precharges;
    state_.precharge(channel_bank(bank), now);
    hits_[bank] = 0;
    return true;
  }
  if (open) return false;
  const Cycles at = state_.ready_all(kRefresh, index_);
  if (at > now) {
    earliest_ = std::min(earliest_, at);
    return false;
  }
  state_.refresh(index_, now);
  ++books_.stats.refreshes;
  refreshing_ = false;
  return true;
}

/// The next bank in turn that has a command for this clock.
std::optional<PseudoChannelQueues::Choice> PseudoChannelQueues::poll(Cycles now) {
  const std::uint64_t after = turn_ + 1 == 64 ? 0 : ~std::uint64_t{0} << (turn_ + 1);
  for (const std::uint64_t half : {queued_banks_ & after, queued_banks_ & ~after}) {
    for (std::uint64_t banks = half; banks != 0; banks &= banks - 1) {
      const auto bank = static_cast<std::uint32_t>(std::countr_zero(banks));
      if (const auto choice = first_ready(bank, now)) {
        turn_ = bank;
        return choice;
      }
    }
  }
  return std::nullopt;
}

std::optional<PseudoChannelQueues::Choice> PseudoChannelQueues::first_ready(std::uint32_t bank, Cycles now) {
  const Queue& queue = queues_[bank];
  if (!state_.is_open(channel_bank(bank))) {
    if (!ready(kActivate, bank, now)) return std::nullopt;
    return Choice{kActivate, bank, 0};
  }
  const std::uint32_t row = state_.open_row(channel_bank(bank));
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const Access& a = queue[i];
    if (a.row != row) {
      if (i == 0 && may_close(bank) && ready(kPrecharge, bank, now)) return Choice{kPrecharge, bank, 0};
    } else if (ready(a.is_write ? kWrite : kRead, bank, now) && !(a.is_write && read_before(queue, i))) {
      return Choice{a.is_write ? kWrite : kRead, bank, i};
    }
  }
  return std::nullopt;
}

/// The open row is kept while accesses to it wait, but not for ever.
bool PseudoChannelQueues::may_close(std::uint32_t bank) const {
  if (hits_[bank] >= controller_.hit_limit) return true;
  const std::uint32_t row = state_.open_row(channel_bank(bank));
  return std::none_of(queues_[bank].begin(), queues_[bank].end(), [row](const Access& a) { return a.row == row; });
}

bool PseudoChannelQueues::read_before(const Queue& queue, std::size_t position) const {
  return std::any_of(queue.begin(), queue.begin() + static_cast<std::ptrdiff_t>(position),
                     [&](const Access& a) { return !a.is_write && a.address == queue[position].address; });
}

void PseudoChannelQueues::count_row(Access& access, std::uint64_t MemoryStats::*counter) {
  if (access.counted) return;
  access.counted = true;
  ++(books_.stats.*counter);
}

void PseudoChannelQueues::issue(const Choice& choice, Cycles now) {
  Access& access = queues_[choice.bank][choice.position];
  switch (choice.command) {
    case kActivate:
      count_row(access, &MemoryStats::row_misses);
      ++books_.stats.activates;
      state_.activate(channel_bank(choice.bank), access.row, now);
      hits_[choice.bank] = 0;
      break;
    case kPrecharge:
      count_row(access, &MemoryStats::row_conflicts);
      ++books_.stats.precharges;
      state_.precharge(channel_bank(choice.bank), now);
      hits_[choice.bank] = 0;
      break;
    default:
      issue_column(choice, now);
  }
}

void PseudoChannelQueues::issue_column(const Choice& choice, Cycles now) {
  Queue& queue = queues_[choice.bank];
  Access& access = queue[choice.position];
  count_row(access, &MemoryStats::row_hits);
  ++hits_[choice.bank];
  state_.column(choice.command, channel_bank(choice.bank), now);
  if (access.is_write) {
    ++books_.stats.writes;
    books_.write_issued(now, now + tables_.write_latency() + 1);
  } else {
    ++books_.stats.reads;
    books_.read_returns(access.tag, now + tables_.read_latency());
    if (access.shared) {
      std::erase_if(shared_, [&](const auto& other) {
        if (other.first == access.address) books_.read_returns(other.second, now + tables_.read_latency());
        return other.first == access.address;
      });
    }
  }
  queue.erase(queue.begin() + static_cast<std::ptrdiff_t>(choice.position));
  --commands_;
  if (queue.empty()) queued_banks_ &= ~(std::uint64_t{1} << choice.bank);
}

/// Moves one access to the queue of its bank: of the reads, or of the writes while they drain.
bool PseudoChannelQueues::schedule_transaction() {
  if (draining_ == 0 &&
      (writes_.size() >= controller_.write_queue || (writes_.size() > controller_.writes_start && commands_ == 0))) {
    draining_ = writes_.size();
  }
  bool depends = false;
  if (draining_ > 0) {
    if (move_first(writes_, depends)) {
      --draining_;
      return true;
    }
    if (!depends) return false;
    draining_ = 0;  // a read of the same address must go first
  }
  return move_first(reads_, depends);
}

bool PseudoChannelQueues::move_first(Queue& from, bool& depends) {
  for (std::size_t i = 0; i < from.size(); ++i) {
    const std::uint32_t bank = from[i].bank - first_bank_;
    if (queues_[bank].size() >= controller_.bank_queue) continue;
    if (from[i].is_write && waiting_read(from[i].address, bank) != nullptr) {
      depends = true;
      return false;
    }
    queues_[bank].push_back(from[i]);
    queued_banks_ |= std::uint64_t{1} << bank;
    ++commands_;
    from.erase(from.begin() + static_cast<std::ptrdiff_t>(i));
    return true;
  }
  return false;
}

BankQueues::BankQueues(const DramSpec& spec, const DramTables& tables, ChannelBooks& books)
    : map_(spec), state_(tables) {
  for (std::uint32_t p = 0; p < spec.organization.pseudo_channels; ++p)
    parts_.emplace_back(spec, tables, books, state_, p);
  wakes_.assign(parts_.size(), 0);
}

bool BankQueues::offer(const MemoryAccess& access, Cycles now) {
  const AddressMap::Place place = map_(access.address);
  const std::uint32_t part = state_.pseudo_channel_of(place.bank);
  if (!parts_[part].offer(access, place, now)) return false;
  wakes_[part] = now;
  return true;
}

void BankQueues::step(Cycles now) {
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (wakes_[i] <= now) wakes_[i] = parts_[i].step(now);
  }
}

bool BankQueues::idle() const {
  return std::all_of(parts_.begin(), parts_.end(), [](const PseudoChannelQueues& p) { return p.idle(); });
}

void BankQueues::shift(Cycles by) {
  state_.shift(by);
  for (PseudoChannelQueues& p : parts_) p.shift(by);
  for (Cycles& wake : wakes_) wake += wake == kNever ? 0 : by;
}

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// The accesses of one direction that wait in a channel for their first command, in the order in which they came. They stand
// in up to 64 places; a set of them is a word with one bit per place, so that the lowest bit of a set is its oldest access.
// Kept as sets: who waits for which bank, bank group and pseudo-channel, and who would hit the open row.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "spatten/sim/memory/dram_timing.h"

namespace spatten::sim {

struct WaitingAccess {
  std::uint64_t order = 0;  ///< number of its arrival in the channel
  std::uint32_t tag = 0;
  std::uint32_t row = 0;
  std::uint8_t bank = 0;  ///< of the channel
  bool is_write = false;
  bool counted = false;  ///< as hit, miss or conflict
};

class AccessQueue {
 public:
  using Set = std::uint64_t;
  static constexpr std::uint32_t kPlaces = 64;

  explicit AccessQueue(const DramTables& tables)
      : group_shift_(tables.shift(DramLevel::kBankGroup)), pseudo_shift_(tables.shift(DramLevel::kPseudoChannel)) {}

  std::uint32_t size() const { return size_; }
  /// Those that find their row open, and those that do not.
  Set hits() const { return hits_; }
  Set others() const { return waiting_ & ~hits_; }
  Set of_bank(std::uint32_t bank) const { return of_bank_[bank]; }
  Set of_group_of(std::uint32_t bank) const { return of_group_[bank >> group_shift_]; }
  Set of_pseudo_channel_of(std::uint32_t bank) const { return of_pseudo_channel_[bank >> pseudo_shift_]; }

  static Set oldest(Set set) { return set & -set; }
  WaitingAccess& at(Set place) { return places_[static_cast<std::size_t>(std::countr_zero(place))]; }
  std::uint32_t bank_at(Set place) const { return places_[static_cast<std::size_t>(std::countr_zero(place))].bank; }

  /// Whether a write to this address waits.
  bool holds_write(std::uint64_t address, std::uint32_t bank) const {
    for (Set set = of_bank_[bank]; set != 0; set &= set - 1) {
      const auto place = static_cast<std::size_t>(std::countr_zero(set));
      if (places_[place].is_write && addresses_[place] == address) return true;
    }
    return false;
  }

  /// Size is below kPlaces. `address` is that of a write.
  void push(const WaitingAccess& access, std::uint64_t address, bool hit) {
    if (end_ == kPlaces) close_gaps();
    if (access.is_write) addresses_[end_] = address;
    const Set place = Set{1} << end_;
    places_[end_++] = access;
    ++size_;
    waiting_ |= place;
    hits_ |= hit ? place : 0;
    of_bank_[access.bank] |= place;
    of_group_[access.bank >> group_shift_] |= place;
    of_pseudo_channel_[access.bank >> pseudo_shift_] |= place;
  }

  void remove(Set place) {
    const std::uint32_t bank = bank_at(place);
    --size_;
    waiting_ &= ~place;
    hits_ &= ~place;
    of_bank_[bank] &= ~place;
    of_group_[bank >> group_shift_] &= ~place;
    of_pseudo_channel_[bank >> pseudo_shift_] &= ~place;
  }

  void bank_opened(std::uint32_t bank, std::uint32_t row) {
    for (Set set = of_bank_[bank]; set != 0; set &= set - 1) {
      const Set place = oldest(set);
      hits_ |= at(place).row == row ? place : 0;
    }
  }
  void bank_closed(std::uint32_t bank) { hits_ &= ~of_bank_[bank]; }

 private:
  /// Moves all down to the first places, in their order.
  void close_gaps();

  std::uint32_t group_shift_, pseudo_shift_, size_ = 0, end_ = 0;  // places from end_ on are free
  Set waiting_ = 0, hits_ = 0;
  std::array<Set, kMaxBanks> of_bank_{}, of_group_{}, of_pseudo_channel_{};
  std::array<WaitingAccess, kPlaces> places_;
  std::array<std::uint64_t, kPlaces> addresses_{};  // of writes
};

}  // namespace spatten::sim

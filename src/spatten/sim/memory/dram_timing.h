// SPDX-License-Identifier: Apache-2.0
// The rules of a DRAM spec as tables, and the state of one channel under them: open rows, and for every command and
// node the first clock in which the command may go. Knows nothing of queues; a scheduler asks ready() and calls
// issue().
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "spatten/sim/memory/dram_spec.h"

namespace spatten::sim {

inline constexpr std::uint32_t kMaxBanks = 64;  // of a channel: sets of banks are 64-bit words

/// Fails at the rule, the sum or the list that is wrong, contradicts another one, or is missing.
void check_timing(const DramSpec& spec, const JsonNode& root);

/// A spec's rules, resolved: what each command does to the first clock of others. Shared by the channels.
///
/// First clocks lie in one array: per command kSlots of them, for the nodes of each level one after the other, so that
/// the node of a bank is found by a shift.
class DramTables {
 public:
  static constexpr std::uint32_t kSlots = kMaxBanks * kDramLevels;

  /// After a command: first clock `base + (bank >> shift)` is at least now + clocks.
  struct Effect {
    std::uint32_t base, shift, clocks;
  };
  /// The same, counted from the window-th last command at the node `bank >> shift`, which `history` remembers.
  struct WindowEffect {
    Effect effect;
    std::uint32_t window, history;
  };

  explicit DramTables(const DramSpec& spec);

  const std::vector<Effect>& effects(DramCommand from) const { return effects_[static_cast<std::size_t>(from)]; }
  const std::vector<WindowEffect>& window_effects(DramCommand from) const {
    return window_effects_[static_cast<std::size_t>(from)];
  }
  std::uint32_t histories() const { return histories_; }
  std::uint32_t longest_window() const { return longest_window_; }
  const DramOrganization& organization() const { return organization_; }
  std::uint32_t read_latency() const { return read_latency_; }
  std::uint32_t write_latency() const { return write_latency_; }
  std::uint32_t refresh_interval() const { return refresh_interval_; }
  std::uint32_t shift(DramLevel level) const { return shifts_[static_cast<std::size_t>(level)]; }
  static std::uint32_t base(DramCommand command, DramLevel level) {
    return static_cast<std::uint32_t>(command) * kSlots + static_cast<std::uint32_t>(level) * kMaxBanks;
  }

 private:
  DramOrganization organization_;
  std::array<std::uint32_t, kDramLevels> shifts_;
  std::array<std::vector<Effect>, kDramCommands> effects_;
  std::array<std::vector<WindowEffect>, kDramCommands> window_effects_;
  std::uint32_t read_latency_, write_latency_, refresh_interval_, histories_ = 0, longest_window_ = 1;
};

/// Banks of one channel. Bank b belongs to group b / banks and pseudo-channel b / banks / bank_groups.
class DramState {
 public:
  explicit DramState(const DramTables& tables);

  bool is_open(std::uint32_t bank) const { return (open_ >> bank & 1) != 0; }
  std::uint32_t open_row(std::uint32_t bank) const { return rows_[bank]; }
  std::uint64_t open_banks() const { return open_; }
  std::uint64_t banks_of(std::uint32_t pseudo_channel) const {
    return pseudo_banks_ << (pseudo_channel << pseudo_shift_);
  }
  std::uint32_t pseudo_channel_of(std::uint32_t bank) const { return bank >> pseudo_shift_; }

  /// First clock in which a command to one bank may go, as far as timing is concerned.
  Cycles ready(DramCommand command, std::uint32_t bank) const {
    return std::max({ready_in_bank(command, bank), ready_in_group(command, bank), ready_all(command, pseudo_channel_of(bank))});
  }
  /// The part of it that all banks of a pseudo-channel share, which is all of it for precharge_all and refresh.
  Cycles ready_all(DramCommand command, std::uint32_t pseudo_channel) const {
    return std::max(at(command, DramLevel::kPseudoChannel, pseudo_channel), at(command, DramLevel::kChannel, 0));
  }
  /// The parts that only the banks of the same group, and that nothing but commands to the same bank delay.
  Cycles ready_in_group(DramCommand command, std::uint32_t bank) const {
    return at(command, DramLevel::kBankGroup, bank >> group_shift_);
  }
  Cycles ready_in_bank(DramCommand command, std::uint32_t bank) const { return at(command, DramLevel::kBank, bank); }

  void activate(std::uint32_t bank, std::uint32_t row, Cycles now);
  void precharge(std::uint32_t bank, Cycles now);
  void column(DramCommand read_or_write, std::uint32_t bank, Cycles now) { apply(read_or_write, bank, now); }
  void precharge_all(std::uint32_t pseudo_channel, Cycles now);
  void refresh(std::uint32_t pseudo_channel, Cycles now);

  /// Moves every time into the future: after a long idle time the state is that of some intervals ago, later.
  void shift(Cycles by);

 private:
  Cycles at(DramCommand command, DramLevel level, std::uint32_t node) const {
    return ready_[DramTables::base(command, level) + node];
  }
  void apply(DramCommand command, std::uint32_t bank, Cycles now) {
    for (const DramTables::Effect& e : tables_->effects(command)) wait(e, bank, now);
    if (!tables_->window_effects(command).empty()) apply_windows(command, bank, now);
  }
  void wait(const DramTables::Effect& e, std::uint32_t bank, Cycles from) {
    Cycles& ready = ready_[e.base + (bank >> e.shift)];
    ready = std::max(ready, from + e.clocks);
  }
  void apply_windows(DramCommand command, std::uint32_t bank, Cycles now);

  /// The last `window` commands of one kind at each node; kNever: none yet.
  struct History {
    std::vector<Cycles> clocks;
    std::vector<std::uint32_t> next;
  };

  const DramTables* tables_;
  std::uint64_t open_ = 0, pseudo_banks_;
  std::uint32_t group_shift_, pseudo_shift_;
  std::vector<History> histories_;
  std::array<std::uint32_t, kMaxBanks> rows_{};
  std::array<Cycles, kDramCommands * DramTables::kSlots> ready_{};
};

}  // namespace spatten::sim

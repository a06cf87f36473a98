// SPDX-License-Identifier: Apache-2.0
// The rules of a DRAM spec as tables, and the state of one channel under them: open rows, and for every command and node
// the first clock in which the command may go. Knows nothing of queues; a scheduler asks ready() and calls issue().
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
class DramTables {
 public:
  struct Effect {
    DramLevel level;
    DramCommand to;
    std::uint32_t clocks;
    std::uint32_t history;  // index of the history that counts a window, kNoHistory for a window of one
  };
  struct History {
    DramLevel level;
    DramCommand from;
    std::uint32_t window;
  };
  static constexpr std::uint32_t kNoHistory = ~0u;

  explicit DramTables(const DramSpec& spec);

  const std::vector<Effect>& effects(DramCommand from) const { return effects_[static_cast<std::size_t>(from)]; }
  const std::vector<History>& histories() const { return histories_; }
  const DramOrganization& organization() const { return organization_; }
  std::uint32_t read_latency() const { return read_latency_; }
  std::uint32_t write_latency() const { return write_latency_; }
  std::uint32_t refresh_interval() const { return refresh_interval_; }
  /// The largest number of clocks in any rule.
  std::uint32_t longest() const { return longest_; }

 private:
  DramOrganization organization_;
  std::array<std::vector<Effect>, kDramCommands> effects_;
  std::vector<History> histories_;
  std::uint32_t read_latency_, write_latency_, refresh_interval_, longest_ = 0;
};

/// Banks of one channel. Bank b belongs to group b / banks and pseudo-channel b / banks / bank_groups.
class DramState {
 public:
  explicit DramState(const DramTables& tables);

  bool is_open(std::uint32_t bank) const { return (open_ >> bank & 1) != 0; }
  std::uint32_t open_row(std::uint32_t bank) const { return rows_[bank]; }
  std::uint64_t open_banks() const { return open_; }
  std::uint64_t banks_of(std::uint32_t pseudo_channel) const { return pseudo_banks_ << (pseudo_channel << pseudo_bits_); }
  std::uint32_t pseudo_channel_of(std::uint32_t bank) const { return bank >> pseudo_bits_; }

  /// First clock in which a command to one bank may go, as far as timing is concerned.
  Cycles ready(DramCommand command, std::uint32_t bank) const {
    const auto& r = ready_[static_cast<std::size_t>(command)];
    return std::max(std::max(r.bank[bank], r.group[bank >> group_bits_]), std::max(r.pseudo[bank >> pseudo_bits_], r.channel));
  }
  /// The part of it that all banks of a pseudo-channel share, which is all of it for precharge_all and refresh.
  Cycles ready_all(DramCommand command, std::uint32_t pseudo_channel) const {
    const auto& r = ready_[static_cast<std::size_t>(command)];
    return std::max(r.pseudo[pseudo_channel], r.channel);
  }

  void activate(std::uint32_t bank, std::uint32_t row, Cycles now);
  void precharge(std::uint32_t bank, Cycles now);
  void column(DramCommand read_or_write, std::uint32_t bank, Cycles now) { apply(read_or_write, bank, now); }
  void precharge_all(std::uint32_t pseudo_channel, Cycles now);
  void refresh(std::uint32_t pseudo_channel, Cycles now);

  /// Moves every time into the future: after a long idle time the state is that of some intervals ago, later.
  void shift(Cycles by);

 private:
  struct Ready {
    std::array<Cycles, kMaxBanks> bank{}, group{}, pseudo{};
    Cycles channel = 0;
  };
  struct Window {
    std::vector<Cycles> clocks;  // ring of the last `window` commands per node; kNever: none yet
    std::vector<std::uint32_t> next;
  };

  void apply(DramCommand command, std::uint32_t bank, Cycles now);
  Cycles& slot(DramCommand command, DramLevel level, std::uint32_t node);
  void apply_window(const DramTables::Effect& effect, std::uint32_t node);
  std::uint32_t node_of(DramLevel level, std::uint32_t bank) const;

  const DramTables* tables_;
  std::array<Ready, kDramCommands> ready_;
  std::array<std::uint32_t, kMaxBanks> rows_{};
  std::uint64_t open_ = 0, pseudo_banks_;
  unsigned group_bits_, pseudo_bits_;
  std::vector<Window> windows_;
};

}  // namespace spatten::sim

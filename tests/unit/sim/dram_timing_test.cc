// SPDX-License-Identifier: Apache-2.0
// Every rule of every file of configs/memory, by itself: one clock before its limit the later command is refused, at
// the limit it is accepted. The expected distances are read from the file by other means than those of DramTables.
#include "spatten/sim/memory/dram_timing.h"

#include <gtest/gtest.h>

#include "spatten/base/fields.h"
#include "support/memory_files.h"

namespace spatten::sim {
namespace {

using enum DramCommand;
using enum DramLevel;

constexpr Cycles kStart = 1000000;
constexpr std::uint32_t kRow = 7;

void send(DramState& state, const DramTables& tables, DramCommand command, std::uint32_t bank, Cycles now) {
  const std::uint32_t pseudo_channel = bank >> tables.shift(kPseudoChannel);
  switch (command) {
    case kActivate:
      return state.activate(bank, kRow, now);
    case kPrecharge:
      return state.precharge(bank, now);
    case kPrechargeAll:
      return state.precharge_all(pseudo_channel, now);
    case kRefresh:
      return state.refresh(pseudo_channel, now);
    default:
      return state.column(command, bank, now);
  }
}

bool accepts(const DramState& state, const DramTables& tables, DramCommand command, std::uint32_t bank, Cycles now) {
  const bool whole = command == kPrechargeAll || command == kRefresh;
  return now >= (whole ? state.ready_all(command, bank >> tables.shift(kPseudoChannel)) : state.ready(command, bank));
}

/// A bank that shares a node of `level` with bank 0, but none of a lower level where there is another one.
std::uint32_t neighbour(const DramOrganization& o, DramLevel level) {
  switch (level) {
    case kChannel:
      return (o.pseudo_channels - 1) * o.banks_per_pseudo_channel();
    case kPseudoChannel:
      return (o.bank_groups - 1) * o.banks;
    case kBankGroup:
      return o.banks - 1;
    case kBank:
      return 0;
  }
  return 0;
}

/// Levels at which two banks meet: `level` and those above, and those below when the neighbour is the same bank.
bool meets(const DramOrganization& o, std::uint32_t bank, DramLevel level) {
  switch (level) {
    case kChannel:
      return true;
    case kPseudoChannel:
      return bank < o.banks_per_pseudo_channel();
    case kBankGroup:
      return bank < o.banks;
    case kBank:
      return bank == 0;
  }
  return false;
}

bool lists(const std::vector<DramCommand>& list, DramCommand command) {
  return std::find(list.begin(), list.end(), command) != list.end();
}

class EveryMemoryFile : public testing::TestWithParam<std::string> {
 protected:
  const DramSpec spec_ = load_dram_spec(memory_file(GetParam()));
  const DramTables tables_{spec_};

  /// What the file demands between one `from` and a later `to` at banks 0 and `bank`.
  Cycles demanded(DramCommand from, DramCommand to, std::uint32_t bank) const {
    Cycles most = 0;
    for (const DramRule& rule : spec_.timing.rules) {
      if (rule.window > 1 || !lists(rule.from, from) || !lists(rule.to, to) ||
          !meets(spec_.organization, bank, rule.level))
        continue;
      most = std::max<Cycles>(most, evaluate_clocks(rule.clocks, spec_.timing.clocks));
    }
    return most;
  }
};

TEST_P(EveryMemoryFile, RefusesEachCommandOneClockBeforeItsLimitAndAcceptsItThen) {
  for (const DramRule& rule : spec_.timing.rules) {
    if (rule.window > 1) continue;
    const std::uint32_t bank = neighbour(spec_.organization, rule.level);
    for (const DramCommand from : rule.from) {
      for (const DramCommand to : rule.to) {
        SCOPED_TRACE(enum_name(from) + " to " + enum_name(to) + " in one " + enum_name(rule.level) + ": " +
                     rule.clocks);
        DramState state(tables_);
        send(state, tables_, from, 0, kStart);
        const Cycles limit = kStart + demanded(from, to, bank);
        EXPECT_FALSE(accepts(state, tables_, to, bank, limit - 1));
        EXPECT_TRUE(accepts(state, tables_, to, bank, limit));
      }
    }
  }
}

TEST_P(EveryMemoryFile, KeepsEachWindow) {
  for (const DramRule& rule : spec_.timing.rules) {
    if (rule.window == 1) continue;
    const std::uint32_t clocks = evaluate_clocks(rule.clocks, spec_.timing.clocks);
    // Commands one clock apart break other rules, which a DramState does not mind; afterwards only the window can bind.
    DramState state(tables_);
    for (std::uint32_t i = 0; i < rule.window; ++i) {
      const Cycles limit = kStart + demanded(rule.from[0], rule.to[0], 0) + (i == 0 ? 0 : i - 1);
      EXPECT_TRUE(i == 0 || accepts(state, tables_, rule.to[0], 0, limit)) << "only " << i << " of " << rule.window;
      send(state, tables_, rule.from[0], 0, kStart + i);
    }
    const Cycles other =
        kStart + rule.window - 1 + demanded(rule.from[0], rule.to[0], neighbour(spec_.organization, rule.level));
    const Cycles limit = std::max(other, kStart + clocks);
    const std::uint32_t bank = neighbour(spec_.organization, rule.level);
    EXPECT_FALSE(accepts(state, tables_, rule.to[0], bank, limit - 1));
    EXPECT_TRUE(accepts(state, tables_, rule.to[0], bank, limit));
  }
}

TEST_P(EveryMemoryFile, LeavesOtherPseudoChannelsAloneExceptOnTheSharedBus) {
  if (spec_.organization.pseudo_channels == 1) GTEST_SKIP() << "one pseudo-channel";
  const std::uint32_t bank = neighbour(spec_.organization, kChannel);
  for (const auto& [from, from_name] : enum_names(DramCommand{})) {
    for (const auto& [to, to_name] : enum_names(DramCommand{})) {
      DramState state(tables_);
      send(state, tables_, from, 0, kStart);
      EXPECT_TRUE(accepts(state, tables_, to, bank, kStart + demanded(from, to, bank))) << from_name << " " << to_name;
    }
  }
}

TEST_P(EveryMemoryFile, ShiftMovesEveryLimit) {
  constexpr Cycles kBy = 123456789;
  DramState now(tables_), later(tables_);
  for (const DramCommand command : {kActivate, kRead, kWrite}) {
    send(now, tables_, command, 0, kStart);
    send(later, tables_, command, 0, kStart);
  }
  later.shift(kBy);
  for (const auto& [command, name] : enum_names(DramCommand{}))
    EXPECT_EQ(later.ready(command, 0), now.ready(command, 0) + kBy) << name;
}

INSTANTIATE_TEST_SUITE_P(Files, EveryMemoryFile, testing::ValuesIn(memory_names()), [](const auto& p) {
  std::string name = p.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST(DramState, FourActivatesFitIntoTheWindowOfTheDefaultMemory) {
  const DramTables tables(load_dram_spec(memory_file("hbm2-r21")));
  DramState state(tables);
  // Groups 0 to 3 of pseudo-channel 0, as fast as nRRDS = 4 allows; the fifth waits for nFAW = 15 after the first.
  for (std::uint32_t i = 0; i < 4; ++i) {
    EXPECT_EQ(state.ready(kActivate, 4 * i), i == 0 ? 0 : 100 + 4 * i);
    state.activate(4 * i, 1, 100 + 4 * i);
  }
  EXPECT_EQ(state.ready(kActivate, 1), 116u);  // 112 + nRRDS; nFAW would allow 115
  state.activate(1, 1, 116);
  EXPECT_EQ(state.ready(kActivate, 5), 120u);  // the window of 104 ended at 119
}

}  // namespace
}  // namespace spatten::sim

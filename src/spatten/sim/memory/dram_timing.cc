// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/memory/dram_timing.h"

#include <algorithm>

#include "spatten/base/fields.h"

namespace spatten::sim {
namespace {

using enum DramCommand;
using enum DramLevel;

bool goes_to_all_banks(DramCommand command) { return command == kPrechargeAll || command == kRefresh; }

/// Largest distance that the rules without a window demand of two commands that share a node of `level`, 0 if none.
std::uint32_t demanded(const DramSpec& spec, DramLevel level, DramCommand from, DramCommand to) {
  std::uint32_t most = 0;
  for (const DramRule& rule : spec.timing.rules) {
    const auto lists = [](const std::vector<DramCommand>& list, DramCommand c) {
      return std::find(list.begin(), list.end(), c) != list.end();
    };
    if (rule.level <= level && rule.window == 1 && lists(rule.from, from) && lists(rule.to, to)) {
      most = std::max(most, evaluate_clocks(rule.clocks, spec.timing.clocks));
    }
  }
  return most;
}

void check_rule(const DramRule& rule, const DramClocks& clocks, const JsonNode& node) {
  try {
    evaluate_clocks(rule.clocks, clocks);
  } catch (const Error& error) {
    node.find("clocks").value_or(node).fail(error.what());
  }
  if (rule.from.empty() || rule.to.empty()) node.fail("expected at least one command in from and in to");
  if (rule.window < 1 || rule.window > 64)
    node.at("window").fail(fmt::format("expected 1 to 64, found {}", rule.window));
  const auto whole = [](const std::vector<DramCommand>& list) {
    return std::any_of(list.begin(), list.end(), goes_to_all_banks);
  };
  if (rule.level > kPseudoChannel && (whole(rule.from) || whole(rule.to))) {
    node.fail("expected level channel or pseudo_channel for precharge_all and refresh, which go to all banks");
  }
}

/// Relations between named counts that every DRAM keeps.
void check_clocks(const DramClocks& c, const JsonNode& timing) {
  const JsonNode node = timing.at("clocks");
  const auto at_least = [&node](const char* name, std::uint32_t value, std::uint64_t least, const char* rule) {
    if (value >= least) return;
    node.at(name).fail(fmt::format("{}: expected at least {} = {}, found {}", name, rule, least, value));
  };
  DramClocks::each(c, [&](const char* name, std::uint32_t value, const char*, const char*) {
    if (value < 1 || value > 1u << 20)
      node.at(name).fail(fmt::format("{}: expected 1 to {}, found {}", name, 1u << 20, value));
  });
  at_least("nRAS", c.nRAS, c.nRCDRD, "nRCDRD");
  at_least("nRC", c.nRC, std::uint64_t{c.nRAS} + c.nRP, "nRAS + nRP");
  at_least("nRRDL", c.nRRDL, c.nRRDS, "nRRDS");
  at_least("nCCDL", c.nCCDL, c.nCCDS, "nCCDS");
  at_least("nWTRL", c.nWTRL, c.nWTRS, "nWTRS");
  at_least("nFAW", c.nFAW, c.nRRDS, "nRRDS");
  at_least("nREFI", c.nREFI, 2 * std::uint64_t{c.nRFC}, "2 nRFC");
}

/// A distance without which the model makes no sense. Ramulator 2 lets an activate come a clock before nRP or nRFC is over.
struct Needed {
  DramLevel level;
  DramCommand from, to;
  const char* clocks;
};

std::vector<Needed> needed_rules(const DramSpec& spec) {
  std::vector<Needed> out{
      {kBank, kActivate, kRead, "nRCDRD"},
      {kBank, kActivate, kWrite, "nRCDWR"},
      {kBank, kActivate, kPrecharge, "nRAS"},
      {kBank, kActivate, kActivate, "nRC"},
      {kBank, kPrecharge, kActivate, "nRP - 1"},
      {kBank, kRead, kPrecharge, "nRTP"},
      {kBank, kWrite, kPrecharge, "nCWL + nBL + nWR"},
      {kPseudoChannel, kRead, kRead, "nCCDS"},
      {kPseudoChannel, kRead, kWrite, "nBL"},
      {kPseudoChannel, kWrite, kWrite, "nCCDS"},
      {kPseudoChannel, kWrite, kRead, "nCWL + nBL + nWTRS"},
      {kPseudoChannel, kActivate, kActivate, "nRRDS"}};
  if (spec.organization.bank_groups > 1) {
    out.push_back({kBankGroup, kRead, kRead, "nCCDL"});
    out.push_back({kBankGroup, kWrite, kWrite, "nCCDL"});
    out.push_back({kBankGroup, kWrite, kRead, "nCWL + nBL + nWTRL"});
    out.push_back({kBankGroup, kActivate, kActivate, "nRRDL"});
  }
  if (spec.refresh.policy != RefreshPolicy::kNone) {
    out.push_back({kPseudoChannel, kPrecharge, kRefresh, "nRP"});
    out.push_back({kPseudoChannel, kRefresh, kActivate, "nRFC - 1"});
  }
  if (spec.refresh.policy == RefreshPolicy::kInOrder) {
    out.push_back({kPseudoChannel, kActivate, kPrechargeAll, "nRAS"});
    out.push_back({kPseudoChannel, kRead, kPrechargeAll, "nRTP"});
    out.push_back({kPseudoChannel, kWrite, kPrechargeAll, "nCWL + nBL + nWR"});
    out.push_back({kPseudoChannel, kPrechargeAll, kActivate, "nRP - 1"});
    out.push_back({kPseudoChannel, kPrechargeAll, kRefresh, "nRP"});
    out.push_back({kPseudoChannel, kRefresh, kPrechargeAll, "nRFC"});
  }
  return out;
}

/// Four activates must not fit into less than nFAW, by a rule with a window or by their distances.
bool keeps_four_activates_apart(const DramSpec& spec) {
  const std::uint32_t wanted = spec.timing.clocks.nFAW;
  if (4 * demanded(spec, kPseudoChannel, kActivate, kActivate) >= wanted) return true;
  return std::any_of(spec.timing.rules.begin(), spec.timing.rules.end(), [&](const DramRule& rule) {
    const auto lists = [](const std::vector<DramCommand>& list) { return std::find(list.begin(), list.end(), kActivate) != list.end(); };
    return rule.level <= kPseudoChannel && rule.window > 1 && rule.window <= 4 && lists(rule.from) && lists(rule.to) &&
           evaluate_clocks(rule.clocks, spec.timing.clocks) >= wanted;
  });
}

void check_rules_together(const DramSpec& spec, const JsonNode& timing) {
  const JsonNode node = timing.at("rules");
  for (const Needed& n : needed_rules(spec)) {
    const std::uint32_t found = demanded(spec, n.level, n.from, n.to), wanted = evaluate_clocks(n.clocks, spec.timing.clocks);
    if (found == 0 || found < wanted) {
      node.fail(fmt::format("expected a rule of {} = {} from {} to {} for the same {}, found {}", n.clocks, wanted, enum_name(n.from),
                            enum_name(n.to), enum_name(n.level), found == 0 ? "none" : fmt::format("at most {}", found)));
    }
  }
  if (!keeps_four_activates_apart(spec)) {
    node.fail(fmt::format("expected a rule of nFAW = {} with window 4 from activate to activate, found none", spec.timing.clocks.nFAW));
  }
  const std::uint32_t cycle = demanded(spec, kBank, kActivate, kActivate);
  const std::uint32_t open = demanded(spec, kBank, kActivate, kPrecharge),
                      close = demanded(spec, kBank, kPrecharge, kActivate);
  if (cycle < open + close) {
    node.fail(
        fmt::format("expected activate to activate of a bank to take at least {} = activate to precharge {} + "
                    "precharge to activate {}, found {}",
                    open + close, open, close, cycle));
  }
  for (const DramCommand command : {kRead, kWrite}) {
    const std::uint32_t distance = demanded(spec, kPseudoChannel, command, command);
    if (distance < spec.timing.clocks.nBL) {
      node.fail(fmt::format("expected {} to {} of a pseudo-channel to take at least nBL = {}, found {}",
                            enum_name(command), enum_name(command), spec.timing.clocks.nBL, distance));
    }
  }
}

}  // namespace

void check_timing(const DramSpec& spec, const JsonNode& root) {
  const JsonNode timing = root.at("timing");
  check_clocks(spec.timing.clocks, timing);
  const auto sum = [&](const char* key, const std::string& text) {
    try {
      evaluate_clocks(text, spec.timing.clocks);
    } catch (const Error& error) {
      timing.at(key).fail(error.what());
    }
  };
  sum("read_latency", spec.timing.read_latency);
  sum("write_latency", spec.timing.write_latency);
  if (spec.timing.rules.size() > 1000) timing.at("rules").fail("expected at most 1000 rules");
  for (std::size_t i = 0; i < spec.timing.rules.size(); ++i) {
    check_rule(spec.timing.rules[i], spec.timing.clocks, timing.at("rules").items()[i]);
  }
  check_rules_together(spec, timing);
}

namespace {

/// Of effects on the same clocks the longer one counts.
void add(std::vector<DramTables::Effect>& effects, const DramTables::Effect& effect) {
  for (DramTables::Effect& e : effects) {
    if (e.base == effect.base) {
      e.clocks = std::max(e.clocks, effect.clocks);
      return;
    }
  }
  effects.push_back(effect);
}

}  // namespace

DramTables::DramTables(const DramSpec& spec)
    : organization_(spec.organization),
      read_latency_(evaluate_clocks(spec.timing.read_latency, spec.timing.clocks)),
      write_latency_(evaluate_clocks(spec.timing.write_latency, spec.timing.clocks)),
      refresh_interval_(spec.timing.clocks.nREFI) {
  const auto bits = [](std::uint32_t count) { return static_cast<std::uint32_t>(std::countr_zero(count)); };
  shifts_ = {bits(kMaxBanks), bits(organization_.banks_per_pseudo_channel()), bits(organization_.banks), 0};
  for (const DramRule& rule : spec.timing.rules) {
    const std::uint32_t clocks = evaluate_clocks(rule.clocks, spec.timing.clocks);
    longest_window_ = std::max(longest_window_, rule.window);
    for (const DramCommand from : rule.from) {
      for (const DramCommand to : rule.to) {
        const Effect effect{base(to, rule.level), shift(rule.level), clocks};
        if (rule.window == 1) {
          add(effects_[static_cast<std::size_t>(from)], effect);
        } else {
          window_effects_[static_cast<std::size_t>(from)].push_back({effect, rule.window, histories_++});
        }
      }
    }
  }
}

DramState::DramState(const DramTables& tables)
    : tables_(&tables), group_shift_(tables.shift(kBankGroup)), pseudo_shift_(tables.shift(kPseudoChannel)) {
  const std::uint32_t banks = tables.organization().banks_per_pseudo_channel();
  pseudo_banks_ = banks == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << banks) - 1;
  histories_.assign(tables.histories(), {std::vector<Cycles>(std::size_t{kMaxBanks} * tables.longest_window(), kNever),
                                         std::vector<std::uint32_t>(kMaxBanks, 0)});
}

void DramState::apply_windows(DramCommand command, std::uint32_t bank, Cycles now) {
  for (const DramTables::WindowEffect& w : tables_->window_effects(command)) {
    History& history = histories_[w.history];
    const std::uint32_t node = bank >> w.effect.shift;
    Cycles* const ring = &history.clocks[std::size_t{node} * tables_->longest_window()];
    std::uint32_t& next = history.next[node];
    ring[next] = now;
    next = next + 1 == w.window ? 0 : next + 1;
    if (ring[next] != kNever) wait(w.effect, bank, ring[next]);  // the oldest of the window
  }
}

void DramState::activate(std::uint32_t bank, std::uint32_t row, Cycles now) {
  open_ |= std::uint64_t{1} << bank;
  rows_[bank] = row;
  apply(kActivate, bank, now);
}

void DramState::precharge(std::uint32_t bank, Cycles now) {
  open_ &= ~(std::uint64_t{1} << bank);
  apply(kPrecharge, bank, now);
}

void DramState::precharge_all(std::uint32_t pseudo_channel, Cycles now) {
  open_ &= ~banks_of(pseudo_channel);
  apply(kPrechargeAll, pseudo_channel << pseudo_shift_, now);
}

void DramState::refresh(std::uint32_t pseudo_channel, Cycles now) {
  apply(kRefresh, pseudo_channel << pseudo_shift_, now);
}

void DramState::shift(Cycles by) {
  for (Cycles& t : ready_) t += by;
  for (History& h : histories_) {
    for (Cycles& t : h.clocks) t += t == kNever ? 0 : by;
  }
}

}  // namespace spatten::sim

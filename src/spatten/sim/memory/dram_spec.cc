// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/memory/dram_spec.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "spatten/base/fields.h"
#include "spatten/sim/memory/access_queue.h"
#include "spatten/sim/memory/dram_timing.h"

namespace spatten::sim {
namespace {

constexpr std::uint32_t kMaxClocks = 1u << 20;

/// A key that is left out would stand for a number that nobody chose.
template <class T>
void expect_all_keys(const JsonNode& node, const T& fields) {
  T::each(fields, [&](const char* key, const auto&, const char*, const char*) { static_cast<void>(node.at(key)); });
}

void expect_range(const JsonNode& node, const char* key, double value, double min, double max) {
  if (!(value >= min && value <= max)) {
    node.at(key).fail(fmt::format("expected {:.12g} to {:.12g}, found {:.12g}", min, max, value));
  }
}

void expect_power_of_two(const JsonNode& node, const char* key, std::uint32_t value, std::uint32_t max) {
  if (!std::has_single_bit(value) || value > max) {
    const auto at = node.find(key);
    (at ? *at : node).fail(fmt::format("{}: expected a power of two up to {}, found {}", key, max, value));
  }
}

void check_organization(const DramSpec& spec, const JsonNode& root) {
  const JsonNode node = root.at("organization");
  const DramOrganization& o = spec.organization;
  DramOrganization::each(o, [&](const char* key, std::uint32_t value, const char*, const char*) {
    expect_power_of_two(node, key, value, 1u << 24);
  });
  if (std::uint64_t{o.pseudo_channels} * o.bank_groups * o.banks > kMaxBanks) {
    node.fail(fmt::format("expected at most {} banks in a channel, found {} x {} x {}", kMaxBanks, o.pseudo_channels,
                          o.bank_groups, o.banks));
  }
  const double bytes = static_cast<double>(o.all_banks()) * o.rows * o.columns * spec.access_bytes * spec.channels;
  if (bytes > 0x1p52) node.fail(fmt::format("expected at most 2^52 bytes in all, found {:.0f}", bytes));
}

void check_address_map(const DramSpec& spec, const JsonNode& root) {
  for (const auto& [part, name] : enum_names(AddressPart{})) {
    const auto count = std::count(spec.address_map.begin(), spec.address_map.end(), part);
    if (count == 1) continue;
    const JsonNode node = root.at("address_map");
    node.fail(fmt::format("expected \"{}\" exactly once in address_map, found it {} times", name, count));
  }
}

void check_controller(const DramSpec& spec, const JsonNode& root) {
  const JsonNode node = root.at("controller");
  const DramController& c = spec.controller;
  const auto range = [&node](const char* key, std::uint32_t value, std::uint32_t min, std::uint32_t max) {
    if (value < min || value > max) {
      const auto at = node.find(key);
      (at ? *at : node).fail(fmt::format("{}: expected {} to {}, found {}", key, min, max, value));
    }
  };
  const std::uint32_t places = c.scheduler == DramScheduler::kFirstReady ? AccessQueue::kPlaces : 4096;
  range("read_queue", c.read_queue, 1, places);
  range("write_queue", c.write_queue, 1, places);
  range("bank_queue", c.bank_queue, 1, 256);
  range("hit_limit", c.hit_limit, 1, 1u << 20);
  range("writes_start", c.writes_start, 0, c.write_queue - 1);
  if (c.scheduler == DramScheduler::kFirstReady) range("writes_stop", c.writes_stop, 0, c.writes_start + 1);
  const RefreshPolicy policy = spec.refresh.policy;
  const bool fits = policy == RefreshPolicy::kNone ||
                    (policy == RefreshPolicy::kDrain) == (c.scheduler == DramScheduler::kBankQueues);
  if (!fits) root.at("refresh").fail("expected policy in_order with scheduler first_ready and drain with bank_queues");
}

void check_energy(const DramSpec& spec, const JsonNode& root) {
  const JsonNode node = root.at("energy");
  MemoryEnergy::each(spec.energy, [&](const char* key, double value, const char*, const char*) {
    if (!(value >= 0 && value <= 1e9)) node.fail(fmt::format("{}: expected 0 to 1e9 pJ, found {}", key, value));
  });
}

}  // namespace

std::vector<std::pair<DramCommand, std::string>> enum_names(DramCommand) {
  return {{DramCommand::kActivate, "activate"},
          {DramCommand::kPrecharge, "precharge"},
          {DramCommand::kPrechargeAll, "precharge_all"},
          {DramCommand::kRead, "read"},
          {DramCommand::kWrite, "write"},
          {DramCommand::kRefresh, "refresh"}};
}
std::vector<std::pair<DramLevel, std::string>> enum_names(DramLevel) {
  return {{DramLevel::kChannel, "channel"},
          {DramLevel::kPseudoChannel, "pseudo_channel"},
          {DramLevel::kBankGroup, "bank_group"},
          {DramLevel::kBank, "bank"}};
}
std::vector<std::pair<AddressPart, std::string>> enum_names(AddressPart) {
  return {{AddressPart::kColumn, "column"},
          {AddressPart::kPseudoChannel, "pseudo_channel"},
          {AddressPart::kBankGroup, "bank_group"},
          {AddressPart::kBank, "bank"},
          {AddressPart::kRow, "row"}};
}
std::vector<std::pair<DramScheduler, std::string>> enum_names(DramScheduler) {
  return {{DramScheduler::kFirstReady, "first_ready"}, {DramScheduler::kBankQueues, "bank_queues"}};
}
std::vector<std::pair<CommandBus, std::string>> enum_names(CommandBus) {
  return {{CommandBus::kOne, "one"}, {CommandBus::kRowAndColumn, "row_and_column"}};
}
std::vector<std::pair<BlockedPrecharge, std::string>> enum_names(BlockedPrecharge) {
  return {{BlockedPrecharge::kSkipped, "skipped"}, {BlockedPrecharge::kEndsTheClock, "ends_the_clock"}};
}
std::vector<std::pair<ReturnOrder, std::string>> enum_names(ReturnOrder) {
  return {{ReturnOrder::kOwnTags, "own_tags"}, {ReturnOrder::kRequestOrder, "request_order"}};
}
std::vector<std::pair<RefreshPolicy, std::string>> enum_names(RefreshPolicy) {
  return {{RefreshPolicy::kNone, "none"}, {RefreshPolicy::kInOrder, "in_order"}, {RefreshPolicy::kDrain, "drain"}};
}

std::uint32_t evaluate_clocks(const std::string& sum, const DramClocks& clocks) {
  std::int64_t total = 0, sign = 1;
  bool expect_term = true;
  for (std::size_t i = 0; i < sum.size();) {
    const char c = sum[i];
    if (c == ' ') {
      ++i;
    } else if (!expect_term && (c == '+' || c == '-')) {
      sign = c == '+' ? 1 : -1;
      expect_term = true;
      ++i;
    } else {
      const std::size_t end = std::min(sum.find_first_of(" +-", i), sum.size());
      const std::string word = sum.substr(i, end - i);
      std::int64_t value = -1;
      std::vector<std::string> known;
      DramClocks::each(clocks, [&](const char* name, std::uint32_t v, const char*, const char*) {
        known.emplace_back(name);
        if (word == name) value = v;
      });
      if (std::all_of(word.begin(), word.end(), [](char d) { return d >= '0' && d <= '9'; }) && !word.empty() &&
          word.size() < 8) {
        std::from_chars(word.data(), word.data() + word.size(), value);
      }
      if (value < 0 || !expect_term) {
        throw Error(
            fmt::format("expected numbers and names of timing.clocks joined by + and -, found \"{}\" in \"{}\"{}",
                        printable(word.empty() ? std::string(1, c) : word), printable(sum), did_you_mean(word, known)));
      }
      total += sign * value;
      expect_term = false;
      i = end;
    }
  }
  if (expect_term) throw Error(fmt::format("expected a sum of clock counts, found \"{}\"", printable(sum)));
  if (total < 1 || total > kMaxClocks)
    throw Error(fmt::format("expected 1 to {} clocks, found \"{}\" = {}", kMaxClocks, printable(sum), total));
  return static_cast<std::uint32_t>(total);
}

void DramSpec::validate(const JsonNode& node) const {
  expect_all_keys(node, *this);
  expect_all_keys(node.at("organization"), organization);
  expect_all_keys(node.at("timing"), timing);
  expect_all_keys(node.at("timing").at("clocks"), timing.clocks);
  expect_all_keys(node.at("energy"), energy);
  expect_range(node, "clock_hz", clock_hz, 1e6, 1e11);
  expect_power_of_two(node, "channels", channels, 1024);
  expect_power_of_two(node, "access_bytes", access_bytes, 4096);
  expect_range(node, "pending", pending, 1, 1 << 20);
  check_organization(*this, node);
  check_address_map(*this, node);
  check_controller(*this, node);
  check_energy(*this, node);
  check_timing(*this, node);
}

std::uint64_t DramSpec::channel_bytes() const {
  return std::uint64_t{organization.all_banks()} * organization.rows * organization.columns * access_bytes;
}

DramSpec read_dram_spec(const JsonNode& root) {
  DramSpec spec;
  read_fields(root, spec);
  return spec;
}

DramSpec load_dram_spec(const std::string& path, const std::vector<std::string>& overrides) {
  const JsonFile file = JsonFile::load(path, {.bytes = 1 << 20});
  return read_overridden(file, overrides, read_dram_spec);
}

}  // namespace spatten::sim

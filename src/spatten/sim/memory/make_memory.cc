// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/memory/make_memory.h"

#include <bit>
#include <charconv>

#include "spatten/base/fields.h"
#include "spatten/base/nearest.h"
#include "spatten/sim/memory/bank_queues.h"
#include "spatten/sim/memory/dram_channel.h"
#include "spatten/sim/memory/first_ready.h"
#include "spatten/sim/memory/ideal.h"

namespace spatten::sim {
namespace {

constexpr std::string_view kIdeal = "ideal:";
constexpr std::uint64_t kIdealChannelBytes = std::uint64_t{1} << 40;  // more than any address that is meant

std::uint64_t number(std::string_view word, const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) {
    throw UsageError("--memory", printable(text),
                     fmt::format("expected ideal:LATENCY or ideal:LATENCY:PENDING with whole numbers, found \"{}\"",
                                 printable(word)));
  }
  return value;
}

IdealSpec ideal_spec(const std::string& text, const std::vector<std::string>& overrides) {
  const std::string_view rest = std::string_view(text).substr(kIdeal.size());
  const std::size_t colon = rest.find(':');
  Json object = write_field(IdealSpec{});
  object["latency"] = number(rest.substr(0, colon), text);
  if (colon != std::string_view::npos) object["pending"] = number(rest.substr(colon + 1), text);
  for (const std::string& assignment : overrides) apply_override(object, assignment);
  IdealSpec spec;
  try {
    const JsonFile file = JsonFile::parse(dump_json(object), text);
    read_fields(file.root(), spec);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  return spec;
}

template <class Channel, class... Arguments>
std::vector<std::unique_ptr<MemoryChannel>> make_channels(std::uint32_t count, const Arguments&... arguments) {
  std::vector<std::unique_ptr<MemoryChannel>> out;
  for (std::uint32_t i = 0; i < count; ++i) out.push_back(std::make_unique<Channel>(arguments...));
  return out;
}

}  // namespace

void IdealSpec::validate(const JsonNode& node) const {
  const auto range = [&node](const char* key, std::uint64_t value, std::uint64_t min, std::uint64_t max) {
    if (value < min || value > max) node.at(key).fail(fmt::format("expected {} to {}, found {}", min, max, value));
  };
  const auto power_of_two = [&node](const char* key, std::uint32_t value, std::uint32_t max) {
    if (!std::has_single_bit(value) || value > max)
      node.at(key).fail(fmt::format("expected a power of two up to {}, found {}", max, value));
  };
  range("latency", latency, 1, 1 << 20);
  range("pending", pending, 1, 1 << 20);
  power_of_two("channels", channels, 1024);
  power_of_two("access_bytes", access_bytes, 4096);
  if (!(clock_hz >= 1e6 && clock_hz <= 1e11)) node.at("clock_hz").fail("expected 1e6 to 1e11");
}

bool is_ideal_memory(const std::string& text) { return text.starts_with(kIdeal); }

namespace {

std::unique_ptr<Memory> make_dram(const DramSpec& spec, const std::shared_ptr<const DramTables>& tables) {
  MemoryFacts facts{.name = spec.name,
                    .channels = spec.channels,
                    .access_bytes = spec.access_bytes,
                    .channel_bytes = spec.channel_bytes(),
                    .clock_hz = spec.clock_hz,
                    .channel_bytes_per_clock = static_cast<double>(spec.access_bytes) *
                                               spec.organization.pseudo_channels / spec.timing.clocks.nBL,
                    .pending_limit = spec.pending,
                    .energy = spec.energy};
  auto channels = spec.controller.scheduler == DramScheduler::kBankQueues
                      ? make_channels<DramChannel<BankQueues>>(spec.channels, spec, tables)
                      : make_channels<DramChannel<FirstReady>>(spec.channels, spec, tables);
  return std::make_unique<Memory>(std::move(facts), std::move(channels));
}

std::unique_ptr<Memory> make_ideal(const std::string& name, const IdealSpec& spec) {
  MemoryFacts facts{.name = name,
                    .channels = spec.channels,
                    .access_bytes = spec.access_bytes,
                    .channel_bytes = kIdealChannelBytes,
                    .clock_hz = spec.clock_hz,
                    .channel_bytes_per_clock = static_cast<double>(spec.access_bytes),
                    .pending_limit = spec.pending,
                    .energy = {}};
  return std::make_unique<Memory>(std::move(facts), make_channels<IdealChannel>(spec.channels, spec.latency));
}

}  // namespace

std::unique_ptr<Memory> make_dram(const DramSpec& spec) {
  return make_dram(spec, std::make_shared<const DramTables>(spec));
}

std::function<std::unique_ptr<Memory>()> memory_maker(const std::string& text,
                                                      const std::vector<std::string>& overrides) {
  if (is_ideal_memory(text)) return [text, spec = ideal_spec(text, overrides)] { return make_ideal(text, spec); };
  DramSpec spec = load_dram_spec(text, overrides);
  auto tables = std::make_shared<const DramTables>(spec);
  return [spec = std::move(spec), tables = std::move(tables)] { return make_dram(spec, tables); };
}

std::unique_ptr<Memory> make_memory(const std::string& text, const std::vector<std::string>& overrides) {
  return memory_maker(text, overrides)();
}

}  // namespace spatten::sim

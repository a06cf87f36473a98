// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/chip_options.h"

#include <algorithm>

#include "spatten/algo/policy.h"
#include "spatten/app/locations.h"
#include "spatten/app/option_kinds.h"
#include "spatten/app/options.h"
#include "spatten/sim/accelerator/spec.h"
#include "spatten/sim/memory/dram_spec.h"
#include "spatten/sim/memory/make_memory.h"

namespace spatten::app {
namespace {

constexpr std::string_view kMemoryPrefix = "memory.";
constexpr const char* kMemories = "configs/memory";
constexpr const char *kDefaultChip = "spatten", *kDefaultTechnology = "tsmc40";

template <FieldStruct T>
std::vector<std::string> keys_of(const std::string& prefix = "") {
  std::vector<FieldLine> lines;
  list_fields<T>(prefix, lines);
  std::vector<std::string> out;
  for (const FieldLine& line : lines) out.push_back(line.key);
  return out;
}

/// Whether the part of `key` before its first dot is a key itself.
bool begins_in(const std::vector<std::string>& keys, const std::string& key) {
  return std::find(keys.begin(), keys.end(), key.substr(0, key.find('.'))) != keys.end();
}

/// What the user names, else what the chip's file names, else the default.
std::string memory_name(const std::string& given, const sim::ChipSpec& chip) {
  return !given.empty() ? given : !chip.memory.empty() ? chip.memory : sim::kDefaultMemory;
}

/// Of the chip's channels those that the memory has, unless a --set says how many; the chip is as wide as what it reaches.
void fit_channels(ChipSetup& setup, bool told) {
  const std::uint32_t own = setup.chip.channels;
  if (!told && !sim::is_ideal_memory(setup.memory_file)) {
    setup.chip.channels = std::min(own, sim::make_memory(setup.memory_file, setup.memory_overrides)->channels());
  }
  setup.chip.channels = setup.make_memory()->channels();  // a bad memory is a fault of the call
  if (setup.chip.channels > sim::kMaxChannels) {
    throw UsageError("memory.channels", "", fmt::format("expected at most {}, the lanes of the crossbars, found {}", sim::kMaxChannels, setup.chip.channels));
  }
  if (setup.chip.channels == own) return;
  setup.assumptions.push_back(fmt::format("The chip has {} channels and crossbars as wide, in place of the {} of its file: so many has the memory.",
                                          setup.chip.channels, own));
}

std::string chip_file(const ChipOptions& options, const Environment& environment) {
  return find_data_file("--chip", options.chip.empty() ? kDefaultChip : options.chip, "configs/hw", environment.data_roots);
}

bool overridden(const std::vector<std::string>& assignments, const std::string& key) {
  return std::any_of(assignments.begin(), assignments.end(), [&](const std::string& a) { return a.starts_with(key + "="); });
}

/// The file of a memory that the chip's file names: a wrong name is that file's fault.
std::string memory_of_chip(const std::string& name, const std::string& file, const std::vector<std::string>& roots) {
  try {
    return find_data_file("", name, kMemories, roots);
  } catch (const UsageError& e) {
    const JsonFile chip = JsonFile::load(file);
    if (const auto key = chip.root().find("memory")) key->fail(e.what());
    throw;
  }
}

}  // namespace

void add_chip_options(CLI::App& app, ChipOptions& options) {
  const std::string group = "Chip";
  add_text(app, "--chip", options.chip, "FILE", "the chip: a file, or a name of configs/hw (default: spatten)", group);
  add_text(app, "--memory", options.memory, "FILE|ideal:LATENCY[:PENDING]", "its memory: a file, a name of configs/memory, or one that only waits (default: the one that the chip names)", group);
  add_text(app, "--tech", options.technology, "FILE", "energy and area per part: a file, or a name of configs/tech (default: tsmc40)", group);
}

Overrides split_overrides(const std::vector<std::string>& assignments) {
  const std::vector<std::string> policy = keys_of<algo::Policy>(), chip = keys_of<sim::ChipSpec>(), memory = keys_of<sim::DramSpec>();
  Overrides out;
  for (const std::string& a : assignments) {
    const std::string key = a.substr(0, a.find('='));
    if (a.size() == key.size() || key.empty()) throw UsageError("--set", "", fmt::format("expected KEY=VALUE, found \"{}\"", printable(a)));
    if (a.starts_with(kMemoryPrefix)) {
      out.memory.push_back(a.substr(kMemoryPrefix.size()));
    } else if (begins_in(chip, key)) {
      out.chip.push_back(a);
    } else if (begins_in(policy, key)) {
      out.policy.push_back(a);
    } else if (begins_in(memory, key) || key == "latency") {
      out.memory.push_back(a);
    } else {
      std::vector<std::string> known = chip;
      known.insert(known.end(), policy.begin(), policy.end());
      for (const std::string& m : keys_of<sim::DramSpec>(std::string(kMemoryPrefix))) known.push_back(m);
      throw UsageError("--set", "", fmt::format("expected a key of the chip, its memory or the policy, found \"{}\"{}", printable(key), did_you_mean(key, known)));
    }
  }
  return out;
}

ChipSetup load_chip_setup(const ChipOptions& options, const Overrides& overrides, const Environment& environment) {
  const auto& roots = environment.data_roots;
  const std::string technology = options.technology.empty() ? kDefaultTechnology : options.technology;
  const std::string file = chip_file(options, environment);
  ChipSetup setup{.chip_name = options.chip.empty() ? kDefaultChip : options.chip,
                  .memory_name = {},
                  .memory_file = {},
                  .chip = sim::load_chip(file, overrides.chip),
                  .memory_overrides = overrides.memory,
                  .technology = cost::Technology::load(find_data_file("--tech", technology, "configs/tech", roots)),
                  .technology_name = technology};
  setup.memory_name = memory_name(options.memory, setup.chip);
  if (sim::is_ideal_memory(setup.memory_name)) {
    setup.memory_file = setup.memory_name;
  } else if (options.memory.empty() && !overridden(overrides.chip, "memory")) {
    setup.memory_file = memory_of_chip(setup.memory_name, file, roots);
  } else {
    setup.memory_file = find_data_file(options.memory.empty() ? "--set memory" : "--memory", setup.memory_name, kMemories, roots);
  }
  fit_channels(setup, overridden(overrides.chip, "channels"));
  return setup;
}

std::vector<NamedFile> chip_files(const ChipOptions& options, const ChipSetup& setup, const Environment& environment) {
  std::vector<NamedFile> out = {{"--chip", chip_file(options, environment)}, {"--tech", setup.technology.name()}};
  if (!sim::is_ideal_memory(setup.memory_file)) out.push_back({"--memory", setup.memory_file});
  return out;
}

}  // namespace spatten::app

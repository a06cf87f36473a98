// SPDX-License-Identifier: Apache-2.0
#include "spatten/cost/energy.h"

#include <cmath>

namespace spatten::cost {
namespace {

constexpr double kJoulesPerPicojoule = 1e-12, kWattsPerMilliwatt = 1e-3;

/// The counter "UNIT.COUNTER" of a run, or an error at the action that names it.
std::uint64_t count_of(const sim::Result& result, const Technology& technology, std::size_t action) {
  const std::string& wanted = technology.data().actions[action].counter;
  const auto dot = wanted.find('.');
  const std::string unit = wanted.substr(0, dot), counter = wanted.substr(dot + 1);
  std::vector<std::string> units, counters;
  for (const sim::UnitResult& u : result.units) {
    units.push_back(u.name);
    if (u.name != unit) continue;
    for (const auto& [name, count] : u.counters) {
      if (name == counter) return count;
      counters.push_back(u.name + "." + name);
    }
    technology.fail("actions", action, "counter",
                    fmt::format("expected a counter of {}, found \"{}\"{}", unit, printable(wanted), did_you_mean(wanted, counters)));
  }
  technology.fail("actions", action, "counter",
                  fmt::format("expected a unit of the chip, found \"{}\"{}", printable(unit), did_you_mean(unit, units)));
}

sim::MemoryStats memory_stats(const sim::Result& result) {
  sim::MemoryStats stats;
  for (const sim::UnitResult& u : result.units) {
    if (u.name != "memory") continue;
    sim::MemoryStats::each(stats, [&](const char* name, std::uint64_t& field, const char*, const char*) { field = u.counter(name); });
  }
  return stats;
}

/// Parts must make the whole: the conservation check of every run.
void check_sum(const EnergyReport& report) {
  double blocks = 0, items = 0;
  for (const BlockEnergy& b : report.blocks) blocks += b.joules.total();
  for (const EnergyItem& i : report.items) items += i.joules;
  const double tolerance = 1e-9 * report.total.total();
  SPATTEN_CHECK(std::abs(blocks - report.total.total()) <= tolerance);
  SPATTEN_CHECK(std::abs(items - report.total.total()) <= tolerance);
}

}  // namespace

EnergyReport energy_of(const sim::Result& result, double seconds, const Technology& technology, const Json& chip,
                       const sim::MemoryEnergy& memory) {
  const TechnologyData& data = technology.data();
  EnergyReport out;
  out.seconds = seconds;
  for (const Block& b : data.blocks) out.blocks.push_back({b.name, b.title, {}});

  for (std::size_t i = 0; i < data.actions.size(); ++i) {
    const Action& a = data.actions[i];
    const std::size_t block = technology.block(a.block);
    const double pj = a.pj * technology.scale("actions", i, a.scales, chip) * data.blocks[block].energy_factor;
    const auto count = static_cast<double>(count_of(result, technology, i));
    out.items.push_back({a.counter, block, a.kind, count * pj * kJoulesPerPicojoule});
  }
  for (std::size_t i = 0; i < data.leaks.size(); ++i) {
    const Leak& l = data.leaks[i];
    const std::size_t block = technology.block(l.block);
    const double watts = l.milliwatts * kWattsPerMilliwatt * technology.scale("leaks", i, l.scales, chip) * data.blocks[block].energy_factor;
    out.items.push_back({l.part, block, l.kind, watts * seconds});
  }
  const double dram = memory.of(memory_stats(result)) * kJoulesPerPicojoule * data.dram.energy_factor;
  out.items.push_back({"memory", technology.block(data.dram.block), Kind::kDram, dram});

  for (const EnergyItem& item : out.items) out.blocks[item.block].joules.add(item.kind, item.joules);
  for (const BlockEnergy& b : out.blocks) out.total += b.joules;
  check_sum(out);
  return out;
}

}  // namespace spatten::cost

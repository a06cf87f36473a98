// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/chip_run.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "spatten/base/fields.h"
#include "spatten/sim/memory/make_memory.h"

namespace spatten {
namespace {

/// A relative difference of clocks below this is one of rounding.
constexpr double kSameClock = 1e-3;

MemoryFigures figures_of(const sim::Memory& memory, double run_clock_hz) {
  return {.name = memory.name(),
          .channels = memory.channels(),
          .access_bytes = memory.access_bytes(),
          .clock_hz = memory.clock_hz(),
          .run_clock_hz = run_clock_hz,
          .peak_bytes_per_second = memory.peak_bytes_per_clock() * run_clock_hz,
          .energy = memory.energy()};
}

bool has_energy(const sim::MemoryEnergy& e) { return e.activate_pj > 0 || e.read_pj > 0 || e.write_pj > 0 || e.refresh_pj > 0; }

/// Every cycle of every unit is accounted for, whatever the workload.
void check_activity(const sim::Result& result) {
  for (const sim::UnitResult& u : result.units) {
    const sim::Activity& a = u.activity;
    SPATTEN_CHECK(a.busy() + a.idle() + a.stalled() == result.cycles);
  }
}

/// What stands in for what the workload, the setup and the memory leave open.
std::vector<std::string> assumptions_of(const trace::Source& source, const ChipSetup& setup, const MemoryFigures& memory) {
  std::vector<std::string> out = source.assumptions();
  out.insert(out.end(), setup.assumptions.begin(), setup.assumptions.end());
  if (std::abs(memory.clock_hz - memory.run_clock_hz) > kSameClock * memory.run_clock_hz) {
    out.push_back(fmt::format("The memory's clock of {:.4g} GHz is taken as the chip's {:.4g} GHz: it goes on by one clock in each cycle of the chip.",
                              memory.clock_hz / 1e9, memory.run_clock_hz / 1e9));
  }
  if (!has_energy(memory.energy)) out.emplace_back("The memory's file gives no energy per event: the energy of DRAM is left out.");
  return out;
}

}  // namespace

std::function<std::unique_ptr<sim::Memory>()> ChipSetup::memory_maker() const {
  std::vector<std::string> overrides = {fmt::format("channels={}", chip.channels)};
  overrides.insert(overrides.end(), memory_overrides.begin(), memory_overrides.end());
  return sim::memory_maker(memory_file, overrides);
}

double ChipRun::operations_per_byte() const {
  return dram_bytes() == 0 ? 0 : static_cast<double>(ops_executed()) / static_cast<double>(dram_bytes());
}

ChipRun run_on_chip(trace::Source& source, std::string workload, const ChipSetup& setup, const sim::SimulationOptions& options) {
  ChipRun run;
  run.workload = std::move(workload);
  const auto make_memory = setup.memory_maker();
  run.result = sim::simulate(source, setup.chip, make_memory, options);
  check_activity(run.result);
  run.memory = figures_of(*make_memory(), setup.chip.clock_hz);
  const std::vector<std::string> assumptions = assumptions_of(source, setup, run.memory);
  run.result.assumptions.insert(run.result.assumptions.end(), assumptions.begin(), assumptions.end());
  run.clock_hz = setup.chip.clock_hz;
  run.peak_ops_per_second = 2.0 * 2.0 * setup.chip.array.multipliers * run.clock_hz;
  run.chip = write_field(setup.chip);
  run.chip_name = setup.chip_name;
  run.memory_name = setup.memory_name;
  run.technology_name = setup.technology_name;
  run.technology_calibration = setup.technology.data().calibration;
  run.energy = cost::energy_of(run.result, run.seconds(), setup.technology, run.chip, run.memory.energy);
  run.area = cost::area_of(setup.technology, run.chip);
  return run;
}

bool knows_layer_bytes(const sim::Result& result) {
  std::uint64_t bytes = 0;
  for (const sim::LayerResult& l : result.layers) bytes += l.bytes.total();
  return bytes == result.bytes.total() - result.bytes.weights;
}

bool knows_layer_activity(const sim::Result& result) {
  sim::Cycles cycles = 0;
  for (const auto& [layer, units] : result.layer_activity) cycles += units.front().total();
  return cycles > 0 && cycles == result.cycles - result.fc_cycles;
}

std::vector<LayerShare> layer_shares(const sim::Result& result) {
  std::map<std::uint32_t, LayerShare> shares;
  sim::Cycles done = 0;
  for (const sim::LayerResult& l : result.layers) {
    LayerShare& share = shares[l.layer];
    share.layer = l.layer;
    const sim::Cycles end = std::max(l.last_response, done);
    share.cycles += end - done;
    done = end;
    share.rows += l.rows;
    share.bytes.add(l.bytes);
  }
  std::vector<LayerShare> out;
  const bool apart = knows_layer_activity(result);
  for (auto& [layer, share] : shares) {
    if (apart) share.units = result.layer_activity.at(layer);
    out.push_back(std::move(share));
  }
  return out;
}

}  // namespace spatten

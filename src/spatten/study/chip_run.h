// SPDX-License-Identifier: Apache-2.0
// One workload on one chip with its memory and technology: the simulator's counts and what follows from them (time,
// throughput, bandwidth, energy, area). Executed work and dense-equivalent work are different figures with different
// units in their names (TFLOPS, TOPS) and are never mixed: the paper's 1.61 TFLOPS is the first, its 360 GOP/s the second.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spatten/cost/area.h"
#include "spatten/cost/energy.h"
#include "spatten/sim/accelerator/simulate.h"
#include "spatten/trace/source.h"

namespace spatten {

/// What a run needs besides a workload, read from files and checked.
struct ChipSetup {
  std::string chip_name, memory_name;  ///< as the user gave them
  std::string memory_file;             ///< path, or ideal:LATENCY
  sim::ChipSpec chip;
  std::vector<std::string> memory_overrides;
  cost::Technology technology;
  std::string technology_name = {};           ///< as the user gave it
  std::vector<std::string> assumptions = {};  ///< sentences: what was changed so that the parts fit

  /// Makes memories, idle ones with as many channels as the chip. Reads the memory's file.
  std::function<std::unique_ptr<sim::Memory>()> memory_maker() const;
  std::unique_ptr<sim::Memory> make_memory() const { return memory_maker()(); }
};

/// The memory as reports need it.
struct MemoryFigures {
  std::string name;
  std::uint32_t channels = 0, access_bytes = 0;
  double clock_hz = 0;               ///< of its file
  double run_clock_hz = 0;           ///< of the run: the chip's, one memory clock per cycle
  double peak_bytes_per_second = 0;  ///< at the clock of the run
  sim::MemoryEnergy energy;
};

struct ChipRun {
  std::string workload;  ///< what was run, for people
  sim::Result result;
  double clock_hz = 0;
  double peak_ops_per_second = 0;  ///< both multiplier arrays busy in every cycle, a multiply-add being two
  MemoryFigures memory;
  Json chip;  ///< the whole configuration, overrides included
  std::string chip_name, memory_name, technology_name, technology_calibration;
  cost::EnergyReport energy;
  cost::AreaReport area;

  double seconds() const { return static_cast<double>(result.cycles) / clock_hz; }
  /// Of attention and, end to end, of FC layers.
  std::uint64_t ops_executed() const { return result.ops_executed + result.fc_ops; }
  std::uint64_t ops_dense_equivalent() const { return result.ops_dense_equivalent + result.fc_ops_dense_equivalent; }
  double tflops_executed() const { return rate(ops_executed()) / 1e12; }
  double tops_dense_equivalent() const { return rate(ops_dense_equivalent()) / 1e12; }
  double fc_seconds() const { return static_cast<double>(result.fc_cycles) / clock_hz; }
  std::uint64_t dram_bytes() const { return result.bytes.total(); }
  double bytes_per_second() const { return rate(dram_bytes()); }
  double bandwidth_ratio() const { return bytes_per_second() / memory.peak_bytes_per_second; }
  /// Executed operations per byte of DRAM traffic; 0 without traffic.
  double operations_per_byte() const;

 private:
  /// Per second; 0 for a run without time.
  double rate(std::uint64_t count) const { return result.cycles > 0 ? static_cast<double>(count) / seconds() : 0; }
};

/// Simulates and evaluates. Throws what sim::simulate and the cost tables throw. A run that was stopped comes back with
/// result.partial set.
ChipRun run_on_chip(trace::Source& source, std::string workload, const ChipSetup& setup, const sim::SimulationOptions& options = {});

/// Cycles of the run that belong to each layer, summed over its steps: the time from the last response of the layer before
/// (in the order of the run) to its own. With the cycles of FC layers, which are told as a whole, they add up to the run's.
struct LayerShare {
  std::uint32_t layer = 0;
  sim::Cycles cycles = 0;
  std::uint64_t rows = 0;
  sim::StreamBytes bytes;
  std::vector<sim::Activity> units;  ///< of each of Result::units; empty where the layers of the run overlap
};
std::vector<LayerShare> layer_shares(const sim::Result& result);
/// Whether the run told the traffic of its layers apart (weights aside): only then do the bytes of the shares mean something.
bool knows_layer_bytes(const sim::Result& result);
/// Whether the layers of the run came one after the other, so that each has an account of its units' cycles.
bool knows_layer_activity(const sim::Result& result);

}  // namespace spatten

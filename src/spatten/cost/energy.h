// SPDX-License-Identifier: Apache-2.0
// Joules of a run: what it counted times the technology's table, plus standing power times time, plus the memory's events
// times the energies of the memory's file. In the columns of Table II (logic, sram, dram) and the rows of Fig. 13.
#pragma once

#include <string>
#include <vector>

#include "spatten/cost/technology.h"
#include "spatten/sim/accelerator/result.h"
#include "spatten/sim/memory/memory.h"

namespace spatten::cost {

struct Joules {
  double logic = 0, sram = 0, dram = 0;

  double total() const { return logic + sram + dram; }
  void add(Kind kind, double joules) { (kind == Kind::kLogic ? logic : kind == Kind::kSram ? sram : dram) += joules; }
  Joules& operator+=(const Joules& o) {
    logic += o.logic, sram += o.sram, dram += o.dram;
    return *this;
  }
  Joules scaled(double factor) const { return {logic * factor, sram * factor, dram * factor}; }
};

struct BlockEnergy {
  std::string name, title;
  Joules joules;
};

/// What one counter, one leak or the memory took, calibration included: the lines that the blocks are sums of.
struct EnergyItem {
  std::string what;  ///< "qk.multiplies", the part that leaks, "memory"
  std::size_t block = 0;
  Kind kind = Kind::kLogic;
  double joules = 0;
};

struct EnergyReport {
  double seconds = 0;
  std::vector<BlockEnergy> blocks;  ///< in the table's order
  std::vector<EnergyItem> items;
  Joules total;  ///< joules; the sum of the blocks

  /// Mean power; zero for a run without time.
  Joules watts() const { return seconds > 0 ? total.scaled(1 / seconds) : Joules{}; }
};

/// `chip` is the chip's spec as JSON. Throws Error at the entry of the table whose
/// unit, counter or scale does not exist, with the nearest name.
EnergyReport energy_of(const sim::Result& result, double seconds, const Technology& technology, const Json& chip,
                       const sim::MemoryEnergy& memory);

}  // namespace spatten::cost

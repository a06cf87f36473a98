// SPDX-License-Identifier: Apache-2.0
// prob x V (HPCA'21 IV-G, Fig. 8 #11): a line of probabilities, a line of values; each probability multiplies its row of D
// values, the tree adds the rows of the line, the accumulators the lines. One output of D elements per query row.
#pragma once

#include "spatten/sim/core/port.h"
#include "spatten/sim/units/memory_unit.h"
#include "spatten/sim/units/row.h"

namespace spatten::sim {

class Datapath;

class ProbVUnit final : public Unit {
 public:
  struct Shape {
    std::uint32_t rows_per_line = 8;      ///< at head dimension 64
    std::uint32_t queue_lines = 64;       ///< probabilities that wait for their values
  };
  struct Stats {
    std::uint64_t rows = 0, lines = 0, multiplies = 0, adds = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("rows", s.rows, "row", "outputs finished");
      f("lines", s.lines, "line", "lines of values multiplied");
      f("multiplies", s.multiplies, "multiply", "12-bit multiplications of real operands");
      f("adds", s.adds, "add", "additions of tree and accumulators");
    }
  };

  InPort<Line> probabilities;   // from the controller
  InPort<Line> values;          // from the V SRAM
  OutPort<Row*> done;           // to the controller, with the latency of the pipeline
  OutPort<OutputWrite> writes;  // to the memory
  OutPort<Row*> importance;     // to the head-importance accumulator, if there is one

  ProbVUnit(const Shape& shape, Datapath* datapath);
  /// Cycles from the last line to the output: broadcast, product, tree over the rows of a line, accumulator.
  static std::uint32_t latency(std::uint32_t rows_per_line);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }
  std::string holding() const override { return probabilities.empty() ? "" : std::to_string(probabilities.size()) + " lines"; }

 private:
  Datapath* datapath_;
  bool in_row_ = false;  // between a row's first line and its last
  Stats stats_;
};

}  // namespace spatten::sim

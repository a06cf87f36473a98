// SPDX-License-Identifier: Apache-2.0
// Quick-select top-k engine (HPCA'21 IV-B, Fig. 9, Alg. 3) for local value pruning: two arrays of `lanes` comparators split
// the row around a pivot until the k-th largest probability is found, then the buffered row is filtered by it and passed on
// in its order. Zero eliminators (zero_eliminator.h) pack what the arrays and the filter keep. One row at a time is selected;
// rows that keep everything pass by.
// The passes of a row come with it: from its probabilities where there are any, else from the seeded model of random ranks
// that the authors use (row_source.cc).
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "spatten/sim/core/port.h"
#include "spatten/sim/units/row.h"
#include "spatten/sim/units/zero_eliminator.h"

namespace spatten::sim {

class Datapath;

class TopKEngine final : public Unit {
 public:
  /// What a row holds the engine for. `selection`: its passes; the filter works while the next row is selected, since the
  /// row waits in a FIFO of its own (Fig. 9). `selection_and_stream`: also while all of it streams through afterwards
  /// (the delay element of the published RTL).
  enum class Hold : std::uint8_t { kSelection, kSelectionAndStream };
  struct Spec {
    bool enabled = true;
    std::uint32_t lanes = 16, fifo_lines = 128, pass_overhead_cycles = 3;
    Hold hold = Hold::kSelection;
    std::uint64_t seed = 1;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("enabled", s.enabled, "", "false: the selection takes no time; rows keep as many values as the trace says");
      f("lanes", s.lanes, "element/cycle", "comparators of each of the two arrays; paper: 16");
      f("fifo_lines", s.fifo_lines, "line", "rows of the FIFO that holds the input; published RTL: 256");
      f("pass_overhead_cycles", s.pass_overhead_cycles, "cycle", "of each pass beside reading its elements; authors' model: 3");
      f("hold", s.hold, "", "what a row holds the engine for");
      f("seed", s.seed, "", "of the pivots");
    }
  };
  struct Stats {
    std::uint64_t rows = 0, bypassed_rows = 0, passes = 0, compares = 0, fifo_writes = 0, kept = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("rows", s.rows, "row", "rows selected");
      f("bypassed_rows", s.bypassed_rows, "row", "rows that kept everything");
      f("passes", s.passes, "pass", "splits around a pivot");
      f("compares", s.compares, "compare", "comparisons, both arrays and the filter");
      f("fifo_writes", s.fifo_writes, "element", "elements written: the copy for the filter, FIFO_L at first, both FIFOs in each pass");
      f("kept", s.kept, "element", "elements passed on");
    }
  };

  InPort<Line> in;    // from the reorder buffer
  OutPort<Line> out;  // to the controller, which fetches the values
  OutPort<Packing> passes, filtered;  // to the zero eliminators

  TopKEngine(const Spec& spec, std::uint32_t results_per_line, Datapath* datapath);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }
  const Stats& stats() const { return stats_; }
  std::string holding() const override { return fifo_.empty() ? "" : std::to_string(fifo_.size()) + " lines"; }

 private:
  struct Waiting {
    Line line;
    Cycles ready;
  };
  /// A row whose filter may begin.
  struct Selected {
    Row* row;
    Cycles from;
  };
  bool take(Cycles now);
  bool bypass(Cycles now);
  void select(Cycles now);
  void pack_passes(const Row& row, Cycles now);
  bool emit(Cycles now);
  void leave(Row& row);
  bool drop_line();

  Spec spec_;
  std::uint32_t per_line_, held_ = 0;  // elements: of a line at head dimension 64; in the input FIFO
  Datapath* datapath_;
  std::deque<Waiting> fifo_;
  std::deque<std::pair<Row*, Cycles>> complete_;  // rows wholly in the FIFO, and since when they can be selected
  std::deque<Selected> selected_;
  Cycles engine_free_ = 0;
  std::uint32_t emitted_ = 0;  // elements of the row being filtered
  std::uint32_t rows_inside_ = 0;
  const Row* head_row_ = nullptr;  // delay element: the row whose wait has begun
  Stats stats_;
};

inline std::vector<std::pair<TopKEngine::Hold, std::string>> enum_names(TopKEngine::Hold) {
  return {{TopKEngine::Hold::kSelection, "selection"}, {TopKEngine::Hold::kSelectionAndStream, "selection_and_stream"}};
}

}  // namespace spatten::sim

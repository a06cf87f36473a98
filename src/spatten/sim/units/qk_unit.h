// SPDX-License-Identifier: Apache-2.0
// Q x K (HPCA'21 IV-E, Fig. 8 #7): the query is broadcast over a line of keys, multiplied, and summed along the head
// dimension by the adder tree; up to 512 / D scores per cycle. One register for the broadcast, one for the product.
#pragma once

#include "spatten/sim/core/port.h"
#include "spatten/sim/units/adder_tree.h"
#include "spatten/sim/units/row.h"

namespace spatten::sim {

class Datapath;

class QkUnit final : public Unit {
 public:
  struct Spec {
    std::uint32_t max_head_dim = 512;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("max_head_dim", s.max_head_dim, "element", "longest sum of the adder tree, which has a register per layer; paper: 512, published RTL: 64");
    }
    std::uint32_t latency() const { return 2 + AdderTree::layers(max_head_dim); }
  };
  struct Stats {
    std::uint64_t lines = 0, multiplies = 0, adds = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("lines", s.lines, "line", "lines of keys multiplied");
      f("multiplies", s.multiplies, "multiply", "12-bit multiplications of real operands");
      f("adds", s.adds, "add", "additions of the tree");
    }
  };

  InPort<Line> keys;      // from the K SRAM
  InPort<Row*> query;     // from the converter, where queries are read from DRAM
  OutPort<Line> scores;   // to softmax, spec.latency() later
  OutPort<Row*> key_done; // to the controller: the last key line of a row was taken

  QkUnit(const Spec& spec, bool queries_arrive, Datapath* datapath);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }

 private:
  bool query_there(const Row& row, Cycles now);

  bool queries_arrive_;
  Datapath* datapath_;
  const Row* loaded_ = nullptr;
  bool in_row_ = false;  // between a row's first line and its last
  Stats stats_;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// Zero eliminators of a top-k engine (HPCA'21 IV-C, Fig. 9, Fig. 10). One takes a line of up to `topk.lanes` elements
// per cycle: a prefix sum counts the zeros before each element, log2(lanes) layers of shifters move it left by so many
// (algo/zero_eliminator.h), and what is left of several lines is joined to full ones. Order is kept.
// An engine has three: behind either of its two comparator arrays, in front of FIFO_L and FIFO_R, and behind the
// filter. The two behind the arrays see the same lines at the same time, so the three are two streams here: passes and
// filter. Off the path: the registers of the published RTL (after the prefix sum, after the last shift layer, after the
// joint) are the cycles that the engine's recurrence adds to each pass beside reading its elements. The eliminator
// holds nothing up and never waits: a line for which there is no room waits in the filter, in front of it.
#pragma once

#include "spatten/sim/core/port.h"

namespace spatten::sim {

/// What passes a zero eliminator in one go: all passes of a selection, or lines of the filter.
struct Packing {
  Cycles cycles = 0;  ///< from the first line in to the last line out
  std::uint64_t elements = 0, zeros = 0;
};

class ZeroEliminator final : public Unit {
 public:
  struct Stats {
    std::uint64_t elements = 0, zeros = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("elements", s.elements, "element", "elements packed: written back to the FIFOs, or passed on by the filter");
      f("zeros", s.zeros, "element", "elements that left: of an array's other side, equal to its pivot, or not kept");
    }
  };

  InPort<Packing> passes;    // from the comparator arrays: the passes of one row
  InPort<Packing> filtered;  // from the filter: one line

  explicit ZeroEliminator(std::string name);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }
  const Stats& stats() const { return stats_; }

 private:
  void take(InPort<Packing>& in, Cycles now, Cycles& busy_until);

  Cycles passes_until_ = 0, filter_until_ = 0;
  Stats stats_;
};

}  // namespace spatten::sim

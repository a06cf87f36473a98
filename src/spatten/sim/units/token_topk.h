// SPDX-License-Identifier: Apache-2.0
// Token and head top-k (HPCA'21 IV-B, Fig. 8 #2 and #13): the second quick-select engine. It works on the accumulated scores
// when a layer is over; the next layer's keys are fetched by what it keeps, so that layer waits for it.
#pragma once

#include <algorithm>

#include "spatten/sim/core/port.h"
#include "spatten/sim/units/row.h"
#include "spatten/sim/units/zero_eliminator.h"

namespace spatten::sim {

class TokenTopK final : public Unit {
 public:
  struct Stats {
    std::uint64_t rows = 0, compares = 0, fifo_writes = 0, kept = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("rows", s.rows, "selection", "layers after which tokens or heads were selected");
      f("compares", s.compares, "compare", "comparisons, both arrays and the filter");
      f("fifo_writes", s.fifo_writes, "element", "elements written: the copy for the filter, FIFO_L at first, both FIFOs in each pass");
      f("kept", s.kept, "element", "tokens and heads kept");
    }
  };

  InPort<Row*> in;      // from the controller: the last row of a layer is finished
  OutPort<Row*> done;   // to the controller
  OutPort<Packing> passes, filtered;  // to the zero eliminators

  /// `lanes` elements are filtered per cycle.
  explicit TokenTopK(std::uint32_t lanes)
      : Unit("token_topk"), in(*this, 2, 1), done(*this), passes(*this), filtered(*this), lanes_(lanes) {}

  Tick tick(Cycles now) override {
    if (row_ && busy_until_ <= now) {
      const std::uint32_t elements = row_->selection_elements, kept = row_->selection_kept;
      filtered.push({(elements + lanes_ - 1) / lanes_, kept, elements - std::min(elements, kept)}, now);
      done.push(row_, now);
      row_ = nullptr;
    }
    if (!row_ && in.front(now)) {
      row_ = in.pop(now);
      busy_until_ = now + row_->selection_cycles;
      ++stats_.rows;
      stats_.compares += 2 * row_->selection_compares + row_->selection_elements;
      stats_.fifo_writes += 2 * row_->selection_elements + row_->selection_packed;
      stats_.kept += row_->selection_kept;
      passes.push({row_->selection_cycles, row_->selection_packed, 2 * row_->selection_compares - row_->selection_packed}, now);
    }
    return row_ ? Tick{Why::kBusy, busy_until_} : Tick{Why::kIdle, in.next_ready()};
  }
  Counters counters() const override { return list_counters(stats_); }

 private:
  std::uint32_t lanes_;
  Row* row_ = nullptr;
  Cycles busy_until_ = 0;
  Stats stats_;
};

}  // namespace spatten::sim

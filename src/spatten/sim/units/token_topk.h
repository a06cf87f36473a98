// SPDX-License-Identifier: Apache-2.0
// Token and head top-k (HPCA'21 IV-B, Fig. 8 #2 and #13): the second quick-select engine. It works on the accumulated scores
// when a layer is over; the next layer's keys are fetched by what it keeps, so that layer waits for it.
#pragma once

#include "spatten/sim/core/port.h"
#include "spatten/sim/units/row.h"

namespace spatten::sim {

class TokenTopK final : public Unit {
 public:
  struct Stats {
    std::uint64_t rows = 0, compares = 0, kept = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("rows", s.rows, "selection", "layers after which tokens or heads were selected");
      f("compares", s.compares, "compare", "scores given to the engine");
      f("kept", s.kept, "element", "tokens and heads kept");
    }
  };

  InPort<Row*> in;      // from the controller: the last row of a layer is finished
  OutPort<Row*> done;   // to the controller

  TokenTopK() : Unit("token_topk"), in(*this, 2, 1), done(*this) {}

  Tick tick(Cycles now) override {
    if (row_ && busy_until_ <= now) {
      done.push(row_, now);
      row_ = nullptr;
    }
    if (!row_ && in.front(now)) {
      row_ = in.pop(now);
      busy_until_ = now + row_->selection_cycles;
      ++stats_.rows;
      stats_.compares += row_->selection_elements;
      stats_.kept += row_->selection_kept;
    }
    return row_ ? Tick{Why::kBusy, busy_until_} : Tick{Why::kIdle, in.next_ready()};
  }
  Counters counters() const override { return list_counters(stats_); }

 private:
  Row* row_ = nullptr;
  Cycles busy_until_ = 0;
  Stats stats_;
};

}  // namespace spatten::sim

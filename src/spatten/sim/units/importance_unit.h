// SPDX-License-Identifier: Apache-2.0
// Importance accumulators beside the path: of tokens (HPCA'21 III-A, Fig. 8 #1), which add a line of probabilities per cycle
// to the scores of its tokens; of heads (III-B, Fig. 8 #12), which add the magnitudes of a finished output. Neither ever
// holds up the path that feeds it.
#pragma once

#include <algorithm>

#include "spatten/sim/core/port.h"
#include "spatten/sim/units/datapath.h"
#include "spatten/sim/units/row.h"

namespace spatten::sim {

struct ImportanceStats {
  std::uint64_t adds = 0;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("adds", s.adds, "add", "additions to the scores");
  }
};

/// `elements(row)` additions per row that comes in, `per_cycle` of them at once.
class ImportanceUnit final : public Unit {
 public:
  enum class Of { kTokens, kHeads };
  InPort<Row*> in;

  ImportanceUnit(Of of, std::uint32_t per_cycle, Datapath* datapath)
      : Unit(of == Of::kTokens ? "token_importance" : "head_importance"), in(*this, 64, 1), of_(of), per_cycle_(per_cycle),
        datapath_(datapath) {}

  Tick tick(Cycles now) override {
    while (in.front(now)) {
      Row& row = *in.pop(now);
      const std::uint32_t elements = of_ == Of::kTokens ? row.keys : row.head_dim;
      stats_.adds += elements;
      if (datapath_ && row.data) of_ == Of::kTokens ? datapath_->add_token_importance(row) : datapath_->add_head_importance(row);
      busy_until_ = std::max(busy_until_, now) + (elements + per_cycle_ - 1) / per_cycle_;
    }
    const Cycles arrival = in.next_ready();
    return busy_until_ > now ? Tick{Why::kBusy, std::min(busy_until_, arrival)} : Tick{Why::kIdle, arrival};
  }
  Counters counters() const override { return list_counters(stats_); }

 private:
  Of of_;
  std::uint32_t per_cycle_;
  Datapath* datapath_;
  Cycles busy_until_ = 0;
  ImportanceStats stats_;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// Softmax pipeline (HPCA'21 IV-F, Fig. 8 #8): dequantise, exponential (5th-order Taylor), accumulate; once the row's sum is
// there, the row is read again from its FIFO, divided and requantised, `lanes` elements per cycle. While one row is divided
// the next accumulates. With `latency_cycles` 0 it is a wire, as in the published RTL.
#pragma once

#include <deque>

#include "spatten/sim/core/port.h"
#include "spatten/sim/units/row.h"

namespace spatten::sim {

class Datapath;

class SoftmaxUnit final : public Unit {
 public:
  struct Spec {
    std::uint32_t latency_cycles = 87, fifo_lines = 128;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("latency_cycles", s.latency_cycles, "cycle", "from a row's last score to its first probability; the authors' BERT model: 87; 0: a wire");
      f("fifo_lines", s.fifo_lines, "line", "lines of 512 / 64 scores that wait for the row's sum, larger heads packed; paper: 128");
    }
  };
  struct Stats {
    std::uint64_t rows = 0, elements = 0, exponentials = 0, divisions = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("rows", s.rows, "row", "rows normalised, thrown-away passes included");
      f("elements", s.elements, "element", "scores taken");
      f("exponentials", s.exponentials, "operation", "exponentials");
      f("divisions", s.divisions, "operation", "divisions");
    }
  };

  InPort<Line> in;    // from Q x K
  OutPort<Line> out;  // to the progressive-quantization decision

  /// `in_latency`: cycles that Q x K takes; `results`: scores per line at head dimension 64.
  SoftmaxUnit(const Spec& spec, std::uint32_t in_latency, std::uint32_t results, Datapath* datapath);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }
  std::string holding() const override { return fifo_.empty() ? "" : std::to_string(fifo_.size()) + " lines"; }

 private:
  struct Waiting {
    Line line;
    Cycles ready;  // kNever until the row's sum is there
  };
  void take(Cycles now);

  Spec spec_;
  std::uint32_t results_, held_ = 0;  // elements that the FIFO has been given places for
  Datapath* datapath_;
  std::deque<Waiting> fifo_;
  std::size_t row_begin_ = 0;  // first line in the FIFO of the row that is still arriving
  Stats stats_;
};

}  // namespace spatten::sim

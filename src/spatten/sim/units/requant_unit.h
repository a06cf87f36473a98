// SPDX-License-Identifier: Apache-2.0
// Progressive-quantization decision (HPCA'21 IV-F, Fig. 8 #9): a running maximum over the row, one comparison with the
// threshold at its end. The row waits in a FIFO until then. A flat row is thrown away and asked for again with its low bits.
#pragma once

#include <deque>

#include "spatten/sim/core/port.h"
#include "spatten/sim/units/row.h"

namespace spatten::sim {

class Datapath;

/// What the controller is told about a row.
struct Decision {
  Row* row = nullptr;
  bool replay = false;
};

class RequantUnit final : public Unit {
 public:
  struct Spec {
    std::uint32_t decided_rows = 8;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("decided_rows", s.decided_rows, "row", "rows whose maximum may wait while their lines drain; published RTL: 1");
    }
  };
  struct Shape {
    std::uint32_t lanes = 8;   ///< probabilities per line
    std::uint32_t lines = 256; ///< depth of the row FIFO
  };
  struct Stats {
    std::uint64_t rows = 0, compares = 0, replays = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("rows", s.rows, "row", "rows decided");
      f("compares", s.compares, "compare", "comparisons of the running maximum");
      f("replays", s.replays, "row", "rows thrown away and asked for again");
    }
  };

  InPort<Line> in;              // from softmax
  OutPort<Line> out;            // to the reorder buffer
  OutPort<Decision> decisions;  // to the controller

  RequantUnit(const Spec& spec, const Shape& shape, Datapath* datapath);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }
  std::string holding() const override { return fifo_.empty() ? "" : std::to_string(fifo_.size()) + " lines"; }

 private:
  bool take(Cycles now);
  bool drain(Cycles now);

  /// A row in the FIFO whose maximum is known.
  struct Decided {
    bool replay;
    Cycles drain_from;
  };

  Spec spec_;
  Shape shape_;
  Datapath* datapath_;
  std::deque<Line> fifo_;
  std::uint32_t held_ = 0;  // elements that the FIFO has been given places for
  std::deque<Decided> decided_;
  bool announced_ = false;  // the first of them, to the controller
  Stats stats_;
};

/// Keeps the order of rows when one is replayed: later rows wait here until it is back.
class ReorderBuffer final : public Unit {
 public:
  struct Stats {
    std::uint64_t lines = 0, thrown_lines = 0;

    template <class S, class F>
    static void each(S& s, F&& f) {
      f("lines", s.lines, "line", "lines passed on");
      f("thrown_lines", s.thrown_lines, "line", "lines of rows that are replayed");
    }
  };

  InPort<Line> in;            // from the decision
  OutPort<Line> out;          // to the local top-k
  OutPort<Row*> importance;   // to the token-importance accumulator, if there is one: a row that is final

  explicit ReorderBuffer(std::uint32_t lines);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }
  std::string holding() const override { return fifo_.empty() ? "" : std::to_string(fifo_.size()) + " lines"; }

 private:
  struct Waiting {
    Line line;
    Cycles ready;
    std::uint32_t replays_before;
  };
  bool accept(Cycles now, bool& passed);
  void pass(const Line& line, Cycles now);

  std::uint32_t lines_;
  std::deque<Waiting> fifo_;
  std::uint32_t replays_asked_ = 0, replays_done_ = 0;
  enum class Lock { kNone, kFifo, kReplay } lock_ = Lock::kNone;
  Stats stats_;
};

}  // namespace spatten::sim

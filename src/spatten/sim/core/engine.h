// SPDX-License-Identifier: Apache-2.0
// Moves the clock. In every cycle it ticks the units that are due, then jumps to the next cycle in which one is.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "spatten/sim/core/timeline.h"
#include "spatten/sim/core/unit.h"

namespace spatten::sim {

class Engine {
 public:
  /// Units are ticked in the order in which they were added.
  void add(Unit& unit) { units_.push_back(&unit); }
  /// Another order, from a seed. For tests: no result may change.
  void shuffle(std::uint64_t seed);
  /// Ticks every unit in every cycle. For tests: no result may change, only the time it takes.
  void stay_awake() { awake_ = true; }
  void draw(Timeline* timeline);
  /// A counter track beside the units' rows: `value(elapsed)` is asked for every 250 cycles or so while a timeline is drawn
  /// and stands for the `elapsed` cycles before.
  void track(std::string name, std::function<double(Cycles elapsed)> value) { tracks_.push_back({std::move(name), std::move(value)}); }
  /// `work` grows whenever the machine gets anything done.
  void watch(std::function<std::uint64_t()> work) { work_ = std::move(work); }

  /// Runs until done() is true after a cycle and returns its number: so many cycles lie before it. `every` is called
  /// about once per 65,536 ticked cycles and ends the run early by returning false. Throws Error naming the units that
  /// wait when no unit will ever be due again, or when units tick on and no work has been done for 4 million cycles.
  Cycles run(const std::function<bool()>& done, const std::function<bool()>& every);

  const std::vector<Unit*>& units() const { return units_; }

 private:
  class Waking;
  bool check(const std::function<bool()>& every, Cycles now);
  void change(Unit& unit, std::size_t index, Why why, Cycles now);
  void close(Cycles now);
  void sample(Cycles now);
  [[noreturn]] void report_deadlock(Cycles now) const;

  std::vector<Unit*> units_;
  bool awake_ = false;
  Timeline* timeline_ = nullptr;
  std::function<std::uint64_t()> work_;
  std::uint64_t work_seen_ = ~std::uint64_t{0};
  Cycles work_seen_at_ = 0;
  std::vector<Cycles> span_begin_;
  struct Track {
    std::string name;
    std::function<double(Cycles)> value;
  };
  std::vector<Track> tracks_;
  Cycles sampled_ = 0;
};

}  // namespace spatten::sim

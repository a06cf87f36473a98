// SPDX-License-Identifier: Apache-2.0
// What each unit did over time, for a person who looks at it: spans per unit and counter tracks, kept for a window of the
// run and then written as Chrome trace events, which ui.perfetto.dev and chrome://tracing open.
// Memory and file stay small: nothing outside of the window is kept, and the window ends early when the slices run out.
// One thread at a time. As long as the slices suffice, the bytes written depend on what each unit reported only and not
// on the order between units.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "spatten/base/file.h"
#include "spatten/sim/core/activity.h"
#include "spatten/sim/core/cycles.h"

namespace spatten::sim {

class Timeline {
 public:
  struct Window {
    Cycles from = 0, to = 200'000;          ///< cycles [from, to) are kept
    std::size_t max_slices = 1'000'000;     ///< spans after merging, and counter samples; 24 bytes each
  };

  explicit Timeline(const Window& window) : window_(window) {}
  Timeline() : Timeline(Window{}) {}

  /// The name of a unit's row. Units are numbered from 0 in the order of the rows, at most kMaxUnits of them.
  void name(std::uint32_t unit, const std::string& text);

  /// Cycle 0 of what is reported from now on; a run made of several pieces says where each begins.
  void set_origin(Cycles origin) { origin_ = origin; }

  /// From `begin` to `end` (exclusive) the unit's state was `why`. Spans of one unit come in the order of time and do not
  /// overlap; a span that continues the one before it is merged with it. Idle leaves a gap. Cheap outside of the window.
  void span(std::uint32_t unit, Why why, Cycles begin, Cycles end) {
    if (origin_ + begin < window_.to && origin_ + end > window_.from && why != Why::kIdle) record(unit, why, origin_ + begin, origin_ + end);
  }

  /// The value of a named track from `at` on, e.g. the bytes that DRAM moved in the 1000 cycles before.
  void count(const std::string& track, Cycles at, double value);

  /// Whether anything at or after this cycle (of the piece at hand) can still be kept.
  bool open(Cycles now) const { return origin_ + now < window_.to; }

  const Window& window() const { return window_; }  ///< `to` is the cycle at which the slices ran out, if they did
  std::size_t slices() const { return slices_; }

  /// Trace-event JSON: times in microseconds of a clock of `clock_hz`. Does not commit.
  void write(OutputFile& out, double clock_hz) const;

  static constexpr std::uint32_t kMaxUnits = 4096;

 private:
  struct Slice {
    Cycles begin, end;
    Why why;
  };
  struct Row {
    std::string name;
    std::vector<Slice> slices;
  };

  void record(std::uint32_t unit, Why why, Cycles begin, Cycles end);
  bool take_slice(Cycles at);
  Row& row(std::uint32_t unit);

  Window window_;
  Cycles origin_ = 0;
  std::size_t slices_ = 0;
  std::vector<Row> rows_;
  std::map<std::string, std::vector<std::pair<Cycles, double>>> tracks_;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// Times of several workloads in turn: one sample of each, then the next round. Noise of a shared machine and changes of
// its clock then meet all of them alike, and their ratios mean more than times taken one after the other.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "spatten/study/workload.h"

namespace spatten {

/// Seconds since any fixed point, never running backwards. The library reads no clock of its own.
using Clock = std::function<double()>;

/// Seconds per unit of work over the samples.
struct Timing {
  double median_seconds = 0, low_seconds = 0, high_seconds = 0;  // low and high: first and third quartile
  std::size_t samples = 0;
};

/// Quartiles with linear interpolation between samples; all zero without samples.
Timing quartiles(std::vector<double> samples);

struct MeasureOptions {
  double seconds = 60;           // no new round after that, warm-up included
  std::size_t min_rounds = 3;    // however long they take
  std::size_t max_rounds = 200;
  const std::atomic<bool>* cancelled = nullptr;  // polled between samples; when set, throws Cancelled
  std::function<void(std::size_t round)> progress;  // after each round; the warm-up is round 0
};

/// One timing per workload. A round that is not counted comes first: caches, large pages and branch predictors fill.
std::vector<Timing> measure(std::span<Workload* const> workloads, const Clock& clock, const MeasureOptions& options);

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/measure.h"

#include <algorithm>
#include <cmath>

#include "spatten/base/error.h"

namespace spatten {
namespace {

double quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - std::floor(place)) * (sorted[above] - sorted[below]);
}

double sample(Workload& workload, const Clock& clock) {
  workload.prepare();
  const double start = clock();
  workload.run();
  return (clock() - start) / workload.units();
}

}  // namespace

Timing quartiles(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  return {quantile(samples, 0.5), quantile(samples, 0.25), quantile(samples, 0.75), samples.size()};
}

std::vector<Timing> measure(std::span<Workload* const> workloads, const Clock& clock, const MeasureOptions& options) {
  std::vector<std::vector<double>> samples(workloads.size());
  const double end = clock() + options.seconds;
  for (std::size_t round = 0; round <= options.max_rounds; ++round) {
    if (round > options.min_rounds && clock() >= end) break;
    for (std::size_t i = 0; i < workloads.size(); ++i) {
      if (options.cancelled != nullptr && options.cancelled->load(std::memory_order_relaxed)) throw Cancelled();
      const double seconds = sample(*workloads[i], clock);
      if (round > 0) samples[i].push_back(seconds);
    }
    if (options.progress) options.progress(round);
  }
  std::vector<Timing> out;
  for (std::vector<double>& s : samples) out.push_back(quartiles(std::move(s)));
  return out;
}

}  // namespace spatten

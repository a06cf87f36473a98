// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/importance/normalised.h"

#include "spatten/base/error.h"

namespace spatten::algo {

void Normalised::append() {
  TokenImportance::append();
  sums_.push_back(0.0);
  contributions_.push_back(0.0);
}

void Normalised::observe(const HeadObservation& observation, bool causal) {
  const std::size_t keys = observation.keys.size();
  SPATTEN_CHECK(observation.column_sums.size() == keys);
  for (std::size_t j = 0; j < keys; ++j) {
    const std::uint32_t token = observation.keys[j];
    const std::uint32_t rows = rows_seeing(j, keys, observation.rows, causal);
    if (rows == 0) continue;
    sums_[token] += static_cast<double>(observation.column_sums[j]);
    contributions_[token] += rows;
    scores_[token] = sums_[token] / contributions_[token];
  }
}

void Normalised::rescale(double factor) {
  for (double& sum : sums_) sum *= factor;
  for (double& count : contributions_) count *= factor;
}

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/importance/value_weighted.h"

#include "spatten/base/error.h"

namespace spatten::algo {

void ValueWeighted::observe(const HeadObservation& observation, bool) {
  const std::size_t keys = observation.keys.size();
  SPATTEN_CHECK(observation.column_sums.size() == keys && observation.value_norms.size() == keys);
  for (std::size_t j = 0; j < keys; ++j) {
    scores_[observation.keys[j]] +=
        static_cast<double>(observation.column_sums[j]) * static_cast<double>(observation.value_norms[j]);
  }
}

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/importance/accumulated_attention.h"

#include "spatten/base/error.h"

namespace spatten::algo {

void AccumulatedAttention::observe(const HeadObservation& observation, bool) {
  SPATTEN_CHECK(observation.column_sums.size() == observation.keys.size());
  for (std::size_t j = 0; j < observation.keys.size(); ++j) {
    scores_[observation.keys[j]] += static_cast<double>(observation.column_sums[j]);
  }
}

}  // namespace spatten::algo

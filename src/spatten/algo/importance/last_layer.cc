// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/importance/last_layer.h"

#include "spatten/base/error.h"

namespace spatten::algo {

void LastLayer::append() {
  TokenImportance::append();
  scored_in_.push_back(0);
}

void LastLayer::observe(const HeadObservation& observation, bool) {
  SPATTEN_CHECK(observation.column_sums.size() == observation.keys.size());
  if (observation.layer != layer_) {
    layer_ = observation.layer;
    ++layers_begun_;
  }
  for (std::size_t j = 0; j < observation.keys.size(); ++j) {
    const std::uint32_t token = observation.keys[j];
    const double before = scored_in_[token] == layers_begun_ ? scores_[token] : 0.0;
    scores_[token] = before + static_cast<double>(observation.column_sums[j]);
    scored_in_[token] = layers_begun_;
  }
}

}  // namespace spatten::algo

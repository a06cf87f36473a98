// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/importance/probe.h"

#include "spatten/base/error.h"

namespace spatten::algo {

void Probe::observe(const HeadObservation& observation, bool) {
  SPATTEN_CHECK(observation.probe_row.size() == observation.keys.size());
  for (std::size_t j = 0; j < observation.keys.size(); ++j) {
    scores_[observation.keys[j]] += static_cast<double>(observation.probe_row[j]);
  }
}

}  // namespace spatten::algo

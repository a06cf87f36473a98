// SPDX-License-Identifier: Apache-2.0
// The list of importance scores.
#include "spatten/algo/importance/importance.h"

#include "spatten/algo/importance/accumulated_attention.h"
#include "spatten/algo/importance/last_layer.h"
#include "spatten/algo/importance/normalised.h"
#include "spatten/algo/importance/probe.h"
#include "spatten/algo/importance/random.h"
#include "spatten/algo/importance/recent.h"
#include "spatten/algo/importance/value_weighted.h"
#include "spatten/base/error.h"

namespace spatten::algo {

void TokenImportance::rescale(double factor) {
  for (double& score : scores_) score *= factor;
}

std::unique_ptr<TokenImportance> make_importance(Importance importance, std::uint64_t seed) {
  switch (importance) {
    case Importance::kAccumulatedAttention:
      return std::make_unique<AccumulatedAttention>();
    case Importance::kNormalised:
      return std::make_unique<Normalised>();
    case Importance::kLastLayer:
      return std::make_unique<LastLayer>();
    case Importance::kProbe:
      return std::make_unique<Probe>();
    case Importance::kValueWeighted:
      return std::make_unique<ValueWeighted>();
    case Importance::kRandom:
      return std::make_unique<RandomImportance>(seed);
    case Importance::kRecent:
      return std::make_unique<Recent>();
  }
  SPATTEN_CHECK(false);
  return nullptr;
}

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
// The paper's importance of a token (HPCA'21 III-A, Alg. 2): the attention it received, summed over query rows, heads,
// layers and iterations, with no normalisation. In a causal prompt early tokens are seen by more rows and so favoured.
#pragma once

#include "spatten/algo/importance/importance.h"

namespace spatten::algo {

class AccumulatedAttention final : public TokenImportance {
 public:
  ObservationNeeds needs() const override { return {.column_sums = true}; }
  void observe(const HeadObservation& observation, bool causal) override;
};

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
// Accumulated attention times the norm of the token's V in that head: what the token adds to the output, not only how
// much it is looked at (the cheap form of CriticalKV, with |V| for |W_O V|).
#pragma once

#include "spatten/algo/importance/importance.h"

namespace spatten::algo {

class ValueWeighted final : public TokenImportance {
 public:
  ObservationNeeds needs() const override { return {.column_sums = true, .value_norms = true}; }
  void observe(const HeadObservation& observation, bool causal) override;
};

}  // namespace spatten::algo

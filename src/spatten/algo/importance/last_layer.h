// SPDX-License-Identifier: Apache-2.0
// Attention received in the latest layer only, summed over its heads (as LTP's cascade pruner ranks). A token that
// takes no part in a layer keeps the score of the last one in which it did.
#pragma once

#include <vector>

#include "spatten/algo/importance/importance.h"

namespace spatten::algo {

class LastLayer final : public TokenImportance {
 public:
  ObservationNeeds needs() const override { return {.column_sums = true}; }
  void append() override;
  void begin_pass() override { ++layers_begun_, layer_ = 0; }
  void observe(const HeadObservation& observation, bool causal) override;

 private:
  std::uint64_t layers_begun_ = 1;  // counts layers over all passes, so that each has a number of its own
  std::uint32_t layer_ = 0;
  std::vector<std::uint64_t> scored_in_;  // per token: number of the layer that its score is from; 0: none
};

}  // namespace spatten::algo

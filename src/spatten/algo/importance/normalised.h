// SPDX-License-Identifier: Apache-2.0
// Accumulated attention divided by the number of query rows that could see the token: the mean attention per
// contribution. Removes the bias of causal sums towards early tokens (the authors' later LLM code; H2O's "observed").
#pragma once

#include <vector>

#include "spatten/algo/importance/importance.h"

namespace spatten::algo {

class Normalised final : public TokenImportance {
 public:
  ObservationNeeds needs() const override { return {.column_sums = true}; }
  void append() override;
  void observe(const HeadObservation& observation, bool causal) override;
  /// Old sums and old counts both weigh less, so that the mean stays and new evidence moves it more.
  void rescale(double factor) override;

 private:
  std::vector<double> sums_, contributions_;
};

}  // namespace spatten::algo

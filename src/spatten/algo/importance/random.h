// SPDX-License-Identifier: Apache-2.0
// A seeded random rank per token, drawn once: the baseline that any evidence has to beat.
#pragma once

#include "spatten/algo/importance/importance.h"
#include "spatten/base/random.h"

namespace spatten::algo {

class RandomImportance final : public TokenImportance {
 public:
  explicit RandomImportance(std::uint64_t seed) : random_(seed) {}
  ObservationNeeds needs() const override { return {}; }
  void append() override { scores_.push_back(random_.uniform()); }
  void observe(const HeadObservation&, bool) override {}
  void rescale(double) override {}  // no evidence to fade

 private:
  Random random_;
};

}  // namespace spatten::algo

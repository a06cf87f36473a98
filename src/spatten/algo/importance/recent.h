// SPDX-License-Identifier: Apache-2.0
// The later the token, the more important: a sliding window. With protect.first it is StreamingLLM's sinks and window.
#pragma once

#include "spatten/algo/importance/importance.h"

namespace spatten::algo {

class Recent final : public TokenImportance {
 public:
  ObservationNeeds needs() const override { return {}; }
  void append() override { scores_.push_back(static_cast<double>(scores_.size())); }
  void observe(const HeadObservation&, bool) override {}
  void rescale(double) override {}  // no evidence to fade
};

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
// Attention paid by one query, the probe, accumulated over heads and layers: [CLS] in an encoder, which the classifier
// reads, and the newest query in a decoder (as TOVA does).
#pragma once

#include "spatten/algo/importance/importance.h"

namespace spatten::algo {

class Probe final : public TokenImportance {
 public:
  ObservationNeeds needs() const override { return {.probe_row = true}; }
  void observe(const HeadObservation& observation, bool causal) override;
};

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
// Chooses the next token from logits: greedy, or by temperature, top-k and top-p (Holtzman 2020).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "spatten/base/random.h"

namespace spatten {

struct SamplerOptions {
  double temperature = 0;  // 0: greedy
  std::size_t top_k = 0;   // 0: all
  double top_p = 1;        // smallest set of most probable tokens whose sum reaches it
};

/// Id of the chosen token; greedy ties take the lower id. Throws Error when a logit is NaN.
std::int32_t sample(std::span<const float> logits, const SamplerOptions& options, Random& random);

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// How many tokens, heads and values each layer of one forward pass keeps: a policy resolved for a model and a length.
// All counts are absolute (docs/deviations.md), so the relative rule of Alg. 2 and the absolute one of the authors'
// traces come out in one form. Rules: HPCA'21 V-A; rounding: max(1, floor(ratio * reference)).
#pragma once

#include <cstdint>
#include <vector>

#include "spatten/algo/policy.h"

namespace spatten::algo {

struct ModelShape {
  std::uint32_t layers = 0, heads = 0, head_dim = 0, max_positions = 0;
  bool causal = false;  // true: decoder
};

/// Per layer: how many enter it. Never more than there are, never more than the layer before.
struct Schedule {
  std::vector<std::uint32_t> tokens;
  std::vector<std::uint32_t> heads;
  std::vector<std::uint32_t> values;  // V kept by a row that sees all tokens of the layer
};

/// What a pass may prune; a decoder's prompt pass and first iteration may leave something out.
struct ActiveCascades {
  bool tokens = true, heads = true;
  bool ranked = true;  // decoder: scores of earlier passes exist, so that layer 0 may already drop tokens
};

/// Throws Error when per-layer lists of the policy do not have one entry per layer, or exceed the number of heads.
/// `length`: tokens of the sequence so far, evicted ones included.
/// Layer 0 keeps what nothing has ranked yet: all tokens and heads of an encoder, all heads whose scores are reset.
Schedule resolve(const Policy& policy, const ModelShape& shape, std::size_t length, ActiveCascades active = {});

/// Per layer: the token budget that an absolute value.reference_length refers to, in effect or not
/// (value_keep_count()).
std::vector<std::uint32_t> value_token_budgets(const Policy& policy, const ModelShape& shape, std::size_t length,
                                               bool tokens_active);

/// floor(ratio * reference), at least 1; absorbs the rounding of ratios such as 0.29 * 100.
std::uint32_t kept_count(double ratio, std::uint64_t reference);

/// Number of front layers that a share protects, rounded up: 0.15 of 12 is 2.
std::uint32_t protected_layer_count(double share, std::uint32_t layers);

}  // namespace spatten::algo

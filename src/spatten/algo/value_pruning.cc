// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/value_pruning.h"

#include <algorithm>

#include "spatten/algo/schedule.h"
#include "spatten/algo/topk.h"

namespace spatten::algo {

std::uint32_t value_keep_count(const ValuePolicy& policy, std::uint64_t token_budget, std::size_t visible_keys) {
  const auto visible = static_cast<std::uint32_t>(visible_keys);
  if (!policy.enabled()) return visible;
  return std::min(visible, kept_count(policy.keep, policy.reference_length > 0 ? token_budget : visible_keys));
}

std::vector<std::uint32_t> select_values(std::span<const double> probabilities, std::size_t count) {
  return top_k_indices(probabilities, count);
}

}  // namespace spatten::algo

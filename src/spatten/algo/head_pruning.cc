// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/head_pruning.h"

#include "spatten/algo/topk.h"

namespace spatten::algo {

std::vector<std::uint32_t> select_heads(std::span<const double> scores, std::span<const std::uint32_t> alive,
                                        std::size_t budget) {
  std::vector<double> alive_scores;
  for (const std::uint32_t head : alive) alive_scores.push_back(scores[head]);
  return top_k_indices(alive_scores, budget);
}

}  // namespace spatten::algo

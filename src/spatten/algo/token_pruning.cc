// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/token_pruning.h"

#include "spatten/algo/topk.h"
#include "spatten/base/error.h"

namespace spatten::algo {

std::vector<std::uint32_t> select_tokens(std::span<const double> scores, const std::vector<bool>& is_protected,
                                         std::size_t budget) {
  SPATTEN_CHECK(scores.size() == is_protected.size());
  std::vector<double> open_scores;
  std::vector<std::uint32_t> open;
  for (std::uint32_t i = 0; i < scores.size(); ++i) {
    if (is_protected[i]) continue;
    open.push_back(i);
    open_scores.push_back(scores[i]);
  }
  const std::size_t taken = scores.size() - open.size();
  std::vector<bool> keep = is_protected;
  for (const std::uint32_t i : top_k_indices(open_scores, budget > taken ? budget - taken : 0)) keep[open[i]] = true;

  std::vector<std::uint32_t> kept;
  for (std::uint32_t i = 0; i < keep.size(); ++i) {
    if (keep[i]) kept.push_back(i);
  }
  return kept;
}

}  // namespace spatten::algo

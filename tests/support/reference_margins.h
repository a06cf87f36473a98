// SPDX-License-Identifier: Apache-2.0
// How close the decisions of a reference run were. Fast code sums in another order; where the k-th and the next score
// are nearer than that noise the two may rightly disagree, so tests look for runs whose margins are wide.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <vector>

#include "spatten/algo/reference.h"

namespace spatten::reference {

struct Margins {
  static constexpr double kWide = std::numeric_limits<double>::infinity();
  double tokens = kWide, heads = kWide, values = kWide;  // smallest relative gap between the last kept and the first dropped
  double threshold = kWide;                              // smallest relative distance of a row's maximum from theta

  /// A ranking kept `kept` of `before` (ids, ascending). Protected ids may lie below what was dropped: they do not count.
  static double selection(std::span<const std::uint32_t> before, std::span<const std::uint32_t> kept,
                          std::span<const double> scores) {
    double dropped = -kWide, margin = kWide;
    for (const std::uint32_t id : before) {
      if (!std::binary_search(kept.begin(), kept.end(), id)) dropped = std::max(dropped, scores[id]);
    }
    for (const std::uint32_t id : kept) {
      const double gap = (scores[id] - dropped) / std::max(std::abs(dropped), 1e-30);
      if (gap >= 0) margin = std::min(margin, gap);
    }
    return margin;
  }

  void note_values(const algo::RowResult& row) {
    std::vector<std::uint32_t> all(row.probabilities.size());
    for (std::uint32_t j = 0; j < all.size(); ++j) all[j] = j;
    if (row.kept_values.size() < all.size()) values = std::min(values, selection(all, row.kept_values, row.probabilities));
  }

  /// `first`: the probabilities from the high bits alone.
  void note_threshold(const algo::RowResult& first, double theta) {
    if (first.probabilities.size() == 1) return;  // exactly 1 for everybody
    const double largest = *std::max_element(first.probabilities.begin(), first.probabilities.end());
    threshold = std::min(threshold, std::abs(largest - theta) / std::max(theta, 1e-30));
  }
};

}  // namespace spatten::reference

// SPDX-License-Identifier: Apache-2.0
// Importance of heads (HPCA'21 III-B, Alg. 2): the running sum of |E|, the magnitude of a head's output. The next
// projection mixes the heads, so a large output has a large influence. Head i is the same head in every layer.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spatten::algo {

class HeadImportance {
 public:
  explicit HeadImportance(std::uint32_t heads) : scores_(heads, 0.0) {}

  /// `magnitude`: sum of |E| over the head's rows and dimensions in one layer.
  void observe(std::uint32_t head, double magnitude) { scores_.at(head) += magnitude; }
  void reset() { scores_.assign(scores_.size(), 0.0); }
  std::span<const double> scores() const { return scores_; }

 private:
  std::vector<double> scores_;
};

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/progressive.h"

#include <algorithm>

namespace spatten::algo {

bool needs_lsb(std::span<const double> probabilities, double threshold) {
  double largest = 0;
  for (const double probability : probabilities) largest = std::max(largest, probability);
  return largest < threshold;
}

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
// Top-k by quick-select (HPCA'21 IV-B, Alg. 3, Fig. 9): find the k-th largest value by splitting around random pivots,
// then filter the input once, so that the kept elements stay in their order. Ties keep the lower index.
// Alg. 3 as printed stops one element too late (its threshold is the (k+1)-th largest) and has no answer for k = n;
// here `|R| + eq < target` goes left, which yields the threshold and the copies that Fig. 9 shows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spatten/base/random.h"

namespace spatten::algo {

struct TopK {
  std::vector<std::uint32_t> kept;  // indices, ascending; min(k, n) of them
  double threshold = 0;             // the k-th largest value; 0 when nothing had to be selected (k = 0 or k >= n)
  std::uint32_t equals_kept = 0;    // copies of the threshold among the kept
  std::uint32_t passes = 0;         // splits; 0 when nothing had to be selected
};

/// The `k` largest of `values`; NaN counts as -inf. The pivots change `passes` only, never what is kept.
TopK top_k(std::span<const double> values, std::size_t k, Random& pivots);
TopK top_k(std::span<const float> values, std::size_t k, Random& pivots);

/// The kept indices alone.
std::vector<std::uint32_t> top_k_indices(std::span<const double> values, std::size_t k);
std::vector<std::uint32_t> top_k_indices(std::span<const float> values, std::size_t k);

/// One draw of the authors' latency model (TopKLatencyModel.scala): ceil(n_pass / lanes) + 3 cycles per split of n
/// random 32-bit values, in the printed form with the 0-based rank k - 1. 0 when nothing has to be selected. Mean at
/// 1024 -> 512 and 16 lanes: 257, standard deviation 71.
std::uint64_t topk_latency_cycles(std::size_t n, std::size_t k, std::size_t lanes, Random& random);

}  // namespace spatten::algo

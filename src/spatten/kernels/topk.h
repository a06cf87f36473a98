// SPDX-License-Identifier: Apache-2.0
// The k largest elements (HPCA'21 Alg. 3) at the speed of the CPU; same result as algo::top_k, another method: pivots
// are guessed from the counts found so far, on values mapped to integers of the same order (select-inl.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace spatten::kernels {

/// Fills `kept` with the indices of the min(k, n) largest values, ascending; ties keep the lower index; +0 and -0 are
/// equal; NaN counts as -inf. O(n) on average.
void top_k(std::span<const float> values, std::size_t k, std::vector<std::uint32_t>& kept);

}  // namespace spatten::kernels

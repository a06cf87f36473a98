// SPDX-License-Identifier: Apache-2.0
// Selection of heads (HPCA'21 III-B): the `budget` alive heads of largest score. Once per layer, after all its heads.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spatten::algo {

/// Positions in `alive` to keep, ascending. `scores` has one entry per head id; ties keep the lower id.
std::vector<std::uint32_t> select_heads(std::span<const double> scores, std::span<const std::uint32_t> alive,
                                        std::size_t budget);

}  // namespace spatten::algo

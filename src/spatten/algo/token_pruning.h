// SPDX-License-Identifier: Apache-2.0
// Selection of tokens (HPCA'21 III-A): the protected ones, then the highest scores, up to the budget.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace spatten::algo {

/// Positions to keep, ascending. `scores` and `is_protected` have one entry per candidate. Protected candidates count
/// towards `budget`; when they alone exceed it, exactly they stay. Ties keep the earlier position.
std::vector<std::uint32_t> select_tokens(std::span<const double> scores, const std::vector<bool>& is_protected,
                                         std::size_t budget);

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
// Local value pruning (HPCA'21 III-C): one attention row keeps the V of its largest probabilities. Other rows and heads
// are not affected, the kept probabilities are not renormalised, and all of them still count as importance.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spatten/algo/policy.h"

namespace spatten::algo {

/// How many V a row keeps. With reference_length 0 it is the ratio of the `visible_keys` that the row sees, so that a
/// causal row keeps the same whether it is decoded or recomputed; else the authors' rule, the ratio of `token_budget`
/// (the layer's tokens at the reference length, existing or not). At least 1 and at most visible_keys.
std::uint32_t value_keep_count(const ValuePolicy& policy, std::uint64_t token_budget, std::size_t visible_keys);

/// Columns whose V is kept, ascending; ties keep the lower column.
std::vector<std::uint32_t> select_values(std::span<const double> probabilities, std::size_t count);

}  // namespace spatten::algo

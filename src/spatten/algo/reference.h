// SPDX-License-Identifier: Apache-2.0
// Attention of one head as the paper's pseudo-code has it, in scalar double precision: the oracle for every fast
// kernel. Score, softmax, progressive quantization of K, local value pruning, prob x V. Slow and plain on purpose.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spatten/algo/policy.h"
#include "spatten/base/matrix.h"

namespace spatten::algo {

struct AttentionSetting {
  QuantizationPolicy quantization{};
  ValuePolicy value{};
  std::uint64_t token_budget = 0;  // read when value.reference_length > 0; see value_keep_count()
  bool causal = false;             // row r of R sees the first keys - R + r + 1 keys
};

struct RowResult {
  std::vector<double> probabilities;       // per key, final ones
  std::vector<std::uint32_t> kept_values;  // keys whose V was used, ascending
  std::vector<double> out;                 // head_dim
  bool used_lsb = false;
};

/// Attention of one query over all given keys. q: head_dim; k, v: keys x head_dim (at least one key). Scores are scaled
/// by 1 / sqrt(head_dim). The tensors given here are what Granularity::kTensor shares a scale over.
RowResult attend_row(std::span<const float> q, ConstMatrix k, ConstMatrix v, const AttentionSetting& setting);

struct HeadResult {
  std::vector<RowResult> rows;
  std::vector<double> column_sums;  // per key, over the rows
  double out_magnitude = 0;         // sum of |out|
};

/// q: rows x head_dim, rows <= keys when causal.
HeadResult attend_head(ConstMatrix q, ConstMatrix k, ConstMatrix v, const AttentionSetting& setting);

}  // namespace spatten::algo

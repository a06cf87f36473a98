// SPDX-License-Identifier: Apache-2.0
// Attention of one head as the chip computes it (HPCA'21 IV-A), bit for bit: 12-bit Q, K, V; 24-bit products in sums that
// never wrap (30 bits for D = 64); softmax12; low bits of K for a flat row, whose first probabilities are dropped; token
// importance; local value top-k; prob x V in wide sums with one requantization at the end. The cycle simulator's units
// call the functions of a row, `--arithmetic chip` runs whole models on attend_fixed_head().
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spatten/algo/fixed_point.h"

namespace spatten::algo {

/// Q x K of one query and one key. Equal sizes, at most kChipMaxHeadDim; with |query| <= 2047, as quantization gives it,
/// 512 products fit in 32 bits.
std::int32_t dot12(std::span<const Fixed12> query, std::span<const Fixed12> key);

/// Adds a row's probabilities to the 32-bit accumulators of its keys; an accumulator stays at 2^32 - 1 once it is there.
void accumulate_importance12(std::span<const Probability12> probabilities, std::span<std::uint32_t> importance);

/// Keys whose V a row reads: the `count` largest probabilities, ascending; ties keep the lower key.
std::vector<std::uint32_t> select_values12(std::span<const Probability12> probabilities, std::size_t count);

/// sum of p_j * V_j over the `kept` keys, then / 4096 once (nearest, halves up, saturating): 12 bits at V's own scale.
void weighted_sum12(std::span<const Probability12> probabilities, std::span<const std::uint32_t> kept,
                    const FixedMatrix& values, std::span<Fixed12> out);

/// Sum of |out|: what one row adds to the importance of its head.
std::uint32_t magnitude12(std::span<const Fixed12> out);

struct FixedRow {
  std::vector<Probability12> probabilities;  // per visible key, final ones
  std::vector<std::uint32_t> kept_values;    // keys whose V was used, ascending
  std::vector<Fixed12> out;                  // head_dim
  bool used_lsb = false;
};

/// What a query row is computed with besides its operands.
struct FixedRowSetting {
  float scale = 1;              // score_scale()
  std::uint32_t threshold = 0;  // probability_threshold()
  std::size_t visible = 0;      // keys that the row sees: the first ones
  std::size_t value_keep = 0;   // V that it reads; 0: all visible
};

FixedRow attend_fixed_row(std::span<const Fixed12> query, const FixedKeys& keys, const FixedMatrix& values,
                          const FixedRowSetting& setting);

/// One head of one sequence in one layer, as floating point hands it over.
struct FixedHeadTask {
  ConstMatrix q, k, v;                             // queries x D; stored keys x D, both
  std::span<const std::uint32_t> key_rows = {};    // stored keys that take part, in order; empty: all
  float inverse_sqrt_dim = 1;                      // scale of the scores
  QuantizationPolicy quantization{};               // widths of chip_quantization()
  bool causal = false;                             // row r of R sees the first keys - R + r + 1 keys
  std::span<const std::uint32_t> value_keeps = {};  // per query; empty: all V
};

struct FixedHead {
  std::vector<FixedRow> rows;
  std::vector<std::uint32_t> importance;  // per key: sum of its 12-bit probabilities over the rows
  std::uint64_t magnitude = 0;            // sum of |out|; times value_scale() comparable between heads and layers
  FixedMatrix values;                     // V of the keys that take part

  /// Of V and of out: value = out * value_scale().
  float value_scale() const { return values.scale(0); }
};

/// K and V have one scale each for the head; Q has one per row, or with Granularity::kTensor one as well.
FixedHead attend_fixed_head(const FixedHeadTask& task);

}  // namespace spatten::algo

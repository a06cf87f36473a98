// SPDX-License-Identifier: Apache-2.0
// The softmax pipeline (HPCA'21 IV-F) and the decision behind it (IV-G). The only floating point of the datapath, in fp32
// with a stated order, and only operations that IEEE 754 rounds one way (multiply, subtract, fused multiply-add, divide),
// so the 12-bit results are the same on every machine and with every compiler and optimisation:
//
//   x_j = score_j * scale             one multiply; the scale holds 1/sqrt(D) and the scales of Q and K
//   d_j = x_j - max(x)                two passes through the FIFO
//   e_j = exp(d_j)                    2^k * e^r, |r| <= ln2 / 2, two fused multiply-adds for r, five of Taylor
//   sum: 8 lanes, lane l adds e_l, e_(l+8), ...; then ((0+1) + (2+3)) + ((4+5) + (6+7))
//   p_j = min(4095, round(e_j / sum * 4096))    to nearest even
#pragma once

#include <cstdint>
#include <span>

#include "spatten/algo/fixed_point.h"

namespace spatten::algo {

inline constexpr std::size_t kSoftmaxLanes = 8;

/// Factor from integer scores to what exp() takes; `inverse_sqrt_dim` is 1 / sqrt(D). Held within 2^-126 .. 2^96, where
/// nothing below is subnormal or overflows.
float score_scale(float query_scale, float key_scale, float inverse_sqrt_dim);

/// e^x for x <= 0, relative error below 3.6e-6; 0 below -87.
float exp_taylor5(float x);

/// Probabilities of one row; sizes equal, |scores| below 2^31.
void softmax12(std::span<const std::int32_t> scores, float scale, std::span<Probability12> probabilities);

/// The threshold as the comparator of the decision holds it: code < result exactly when code / 4096 < threshold.
std::uint32_t probability_threshold(double threshold);

/// True when the row is flat and must be computed again: every probability is strictly below the threshold. The running
/// maximum starts at 0, so threshold 0 means never.
bool needs_lsb12(std::span<const Probability12> probabilities, std::uint32_t threshold);

}  // namespace spatten::algo

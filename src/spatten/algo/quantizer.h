// SPDX-License-Identifier: Apache-2.0
// Linear symmetric quantization (HPCA'21 III-D): x ~ q * scale, q a signed integer of `bits` bits,
// scale = max|x| / (2^(bits-1) - 1), round to nearest even, clamp to +-(2^(bits-1) - 1).
// All in float with one division each for scale and element, so that a SIMD version can give the same bits.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spatten/algo/policy.h"
#include "spatten/base/matrix.h"

namespace spatten::algo {

/// 2^(bits-1) - 1; bits from 2 to 16.
std::int32_t largest_level(std::uint32_t bits);

/// Scale for values up to `max_abs`; never below FLT_MIN, so that zeros need no special case.
float symmetric_scale(float max_abs, std::uint32_t bits);

float largest_magnitude(std::span<const float> values);

std::int32_t quantize(float value, float scale, std::uint32_t bits);

/// Integers of a matrix, row-major, and one scale per row (equal ones when the tensor shares a scale).
struct QuantizedMatrix {
  std::size_t rows = 0, cols = 0;
  std::uint32_t bits = 0;
  std::vector<std::int32_t> levels;
  std::vector<float> scales;

  std::int32_t level(std::size_t row, std::size_t col) const { return levels[row * cols + col]; }
  float value(std::size_t row, std::size_t col) const { return static_cast<float>(level(row, col)) * scales[row]; }
};

QuantizedMatrix quantize(ConstMatrix values, std::uint32_t bits, Granularity granularity);

}  // namespace spatten::algo

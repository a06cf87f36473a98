// SPDX-License-Identifier: Apache-2.0
// Floats as bf16 and as integers of few bits, value by value: what weights, K and V are stored as.
#pragma once

#include <algorithm>
#include <bit>
#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace spatten::kernels {

/// Round to nearest even; NaN stays one. A loop of this vectorises.
inline std::uint16_t to_bf16(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t rounded = (bits + 0x7FFF + (bits >> 16 & 1)) >> 16;
  return static_cast<std::uint16_t>((bits & 0x7FFFFFFF) > 0x7F800000 ? bits >> 16 | 0x40 : rounded);
}

inline float from_bf16(std::uint16_t x) { return std::bit_cast<float>(std::uint32_t{x} << 16); }

inline float largest_level(int bits) { return static_cast<float>((1 << (bits - 1)) - 1); }

/// The scale of values up to `largest` in magnitude, never below FLT_MIN, so that zeros need no special case.
inline float symmetric_scale(float largest, int bits) { return std::max(largest / largest_level(bits), FLT_MIN); }

/// NaN counts as nothing.
inline float largest_magnitude(const float* x, std::size_t n) {
  float largest = 0;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(x[i]));
  return largest;
}

/// x / scale, clamped, rounded to the nearest even integer. 1.5 * 2^23 leaves no bits for a fraction, so that adding it
/// rounds; a loop of this vectorises, one of nearbyint does not.
inline float level(float x, float scale, float limit) {
  constexpr float kRound = 12582912.0f;
  float q = x / scale;
  q = q > limit ? limit : q;
  q = q >= -limit ? q : -limit;  // NaN too
  return (q + kRound) - kRound;
}

}  // namespace spatten::kernels

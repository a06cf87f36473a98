// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/quantizer.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

namespace spatten::algo {

std::int32_t largest_level(std::uint32_t bits) {
  SPATTEN_CHECK(bits >= 2 && bits <= 16);
  return (std::int32_t{1} << (bits - 1)) - 1;
}

float symmetric_scale(float max_abs, std::uint32_t bits) {
  return std::max(max_abs / static_cast<float>(largest_level(bits)), FLT_MIN);
}

float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

std::int32_t quantize(float value, float scale, std::uint32_t bits) {
  const auto limit = static_cast<float>(largest_level(bits));
  // nearbyint rounds to nearest even in the default mode; the order of max and min also sends NaN into the range.
  return static_cast<std::int32_t>(std::min(limit, std::max(-limit, std::nearbyint(value / scale))));
}

QuantizedMatrix quantize(ConstMatrix values, std::uint32_t bits, Granularity granularity) {
  QuantizedMatrix out{values.rows, values.cols, bits, {}, {}};
  out.levels.reserve(values.rows * values.cols);
  float tensor_max = 0;
  for (std::size_t r = 0; r < values.rows; ++r)
    tensor_max = std::max(tensor_max, largest_magnitude(values.row_span(r)));
  for (std::size_t r = 0; r < values.rows; ++r) {
    const float max_abs = granularity == Granularity::kTensor ? tensor_max : largest_magnitude(values.row_span(r));
    out.scales.push_back(symmetric_scale(max_abs, bits));
    for (const float value : values.row_span(r)) out.levels.push_back(quantize(value, out.scales.back(), bits));
  }
  return out;
}

}  // namespace spatten::algo

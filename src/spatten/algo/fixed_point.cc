// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/fixed_point.h"

#include <algorithm>
#include <cfloat>

#include "spatten/algo/progressive.h"
#include "spatten/algo/quantizer.h"

namespace spatten::algo {
namespace {

/// quantize() of quantizer.h, the same levels, in a form that vectorises: 1.5 * 2^23 leaves no bits for a fraction, so
/// that adding it rounds to nearest even. The order of the comparisons sends NaN to -limit, as there.
void quantize_row(std::span<const float> values, float scale, std::uint32_t bits, std::int32_t* levels) {
  constexpr float kRound = 12582912.0f;
  const auto limit = static_cast<float>(largest_level(bits));
  for (std::size_t c = 0; c < values.size(); ++c) {
    float level = values[c] / scale;
    level = level > limit ? limit : level;
    level = level >= -limit ? level : -limit;
    levels[c] = static_cast<std::int32_t>((level + kRound) - kRound);
  }
}

/// The scale of a level after align12(): a power of two apart, so exact, and never subnormal.
float aligned_scale(float scale, std::uint32_t bits) {
  return bits <= kChipBits ? std::max(scale / static_cast<float>(1u << (kChipBits - bits)), FLT_MIN)
                           : scale * static_cast<float>(1u << (bits - kChipBits));
}

struct Levels {
  std::size_t rows = 0, cols = 0;
  std::vector<std::int32_t> levels;
  std::vector<float> scales;  // as stored: one per row, or one
};

Levels quantize_rows(ConstMatrix values, std::uint32_t bits, Granularity granularity, std::span<const std::uint32_t> rows) {
  Levels out{rows.empty() ? values.rows : rows.size(), values.cols, {}, {}};
  out.levels.resize(out.rows * out.cols);
  if (granularity == Granularity::kTensor) {
    float largest = 0;
    for (std::size_t r = 0; r < values.rows; ++r) largest = std::max(largest, largest_magnitude(values.row_span(r)));
    out.scales.push_back(symmetric_scale(largest, bits));
  }
  for (std::size_t r = 0; r < out.rows; ++r) {
    const std::size_t stored = rows.empty() ? r : rows[r];
    SPATTEN_CHECK(stored < values.rows);
    const std::span<const float> row = values.row_span(stored);
    if (granularity == Granularity::kRow) out.scales.push_back(symmetric_scale(largest_magnitude(row), bits));
    quantize_row(row, out.scales.back(), bits, out.levels.data() + r * out.cols);
  }
  return out;
}

FixedMatrix align_all(const Levels& stored, std::uint32_t bits) {
  FixedMatrix out{stored.rows, stored.cols, std::vector<Fixed12>(stored.levels.size()), stored.scales};
  for (std::size_t i = 0; i < stored.levels.size(); ++i) out.values[i] = align12(stored.levels[i], bits);
  for (float& scale : out.scales) scale = aligned_scale(scale, bits);
  return out;
}

}  // namespace

QuantizationPolicy chip_quantization(QuantizationPolicy policy) {
  if (policy.query_bits == 0) policy.query_bits = kChipBits;
  if (policy.stored_key_bits() == 0) policy.key_bits = kChipBits;
  if (policy.value_bits == 0) policy.value_bits = kChipBits;
  return policy;
}

FixedMatrix to_fixed(ConstMatrix values, std::uint32_t bits, Granularity granularity, std::span<const std::uint32_t> rows) {
  return align_all(quantize_rows(values, bits, granularity, rows), bits);
}

FixedKeys to_fixed_keys(ConstMatrix keys, const QuantizationPolicy& widths, std::span<const std::uint32_t> rows) {
  const std::uint32_t bits = widths.stored_key_bits();
  const Levels stored = quantize_rows(keys, bits, Granularity::kTensor, rows);
  FixedKeys out{align_all(stored, bits), {}};
  if (!widths.progressive()) return out;
  out.msb.resize(stored.levels.size());
  for (std::size_t i = 0; i < stored.levels.size(); ++i) {
    out.msb[i] = align12(msb_part(stored.levels[i], widths.lsb_bits), widths.msb_bits);
  }
  return out;
}

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/quantization.h"

#include <algorithm>
#include <cmath>

#include "spatten/algo/quantizer.h"

namespace spatten {
namespace {

float largest(ConstMatrix m) {
  float value = 0;
  for (std::size_t r = 0; r < m.rows; ++r) value = std::max(value, algo::largest_magnitude(m.row_span(r)));
  return value;
}

}  // namespace

kernels::PackedRows packed_key_rows(std::size_t head_dim, const algo::QuantizationPolicy& quantization) {
  const bool progressive = quantization.progressive();
  const std::uint32_t bits = progressive ? quantization.msb_bits : quantization.stored_key_bits();
  return {head_dim, static_cast<int>(bits), progressive};
}

kernels::PackedRows packed_value_rows(std::size_t head_dim, const algo::QuantizationPolicy& quantization) {
  return {head_dim, static_cast<int>(quantization.value_bits), false};
}

void append_quantized(ConstMatrix rows, algo::Granularity granularity, kernels::PackedRows& out) {
  if (granularity == algo::Granularity::kRow) {
    for (std::size_t r = 0; r < rows.rows; ++r) out.append_row(rows.row(r));
    return;
  }
  const float scale = algo::symmetric_scale(largest(rows), static_cast<std::uint32_t>(out.bits()));
  for (std::size_t r = 0; r < rows.rows; ++r) out.append_row(rows.row(r), scale);
}

void quantize_queries(Matrix q, const algo::QuantizationPolicy& quantization) {
  const std::uint32_t bits = quantization.query_bits;
  if (bits == 0) return;
  if (quantization.granularity == algo::Granularity::kRow) {
    for (std::size_t r = 0; r < q.rows; ++r) kernels::fake_quantise_row(q.row(r), q.cols, static_cast<int>(bits));
    return;
  }
  const float scale = algo::symmetric_scale(largest(q), bits);
  for (std::size_t r = 0; r < q.rows; ++r) {
    for (float& x : q.row_span(r)) x = static_cast<float>(algo::quantize(x, scale, bits)) * scale;
  }
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/reference.h"

#include <algorithm>
#include <cmath>

#include "spatten/algo/progressive.h"
#include "spatten/algo/quantizer.h"
#include "spatten/algo/value_pruning.h"

namespace spatten::algo {
namespace {

/// A tensor as attention sees it: the value of an element, and what its MSB alone stand for.
class Operand {
 public:
  Operand(ConstMatrix values, std::uint32_t bits, const QuantizationPolicy& policy) : values_(values) {
    if (bits > 0) quantized_ = quantize(values, bits, policy.granularity);
  }

  double full(std::size_t row, std::size_t col) const {
    return quantized_.bits > 0 ? static_cast<double>(quantized_.value(row, col))
                               : static_cast<double>(values_(row, col));
  }
  double msb(std::size_t row, std::size_t col, std::uint32_t lsb_bits) const {
    const std::int32_t level = msb_level(quantized_.level(row, col), lsb_bits);
    return static_cast<double>(static_cast<float>(level) * quantized_.scales[row]);
  }

 private:
  ConstMatrix values_;
  QuantizedMatrix quantized_;
};

std::vector<double> softmax(std::vector<double> scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - largest);
  for (double& score : scores) score /= sum;
  return scores;
}

struct Operands {
  Operand q, k, v;
  std::size_t head_dim;
};

template <class Key>
std::vector<double> row_probabilities(const Operands& in, std::size_t row, std::size_t visible, const Key& key) {
  std::vector<double> scores(visible, 0.0);
  for (std::size_t j = 0; j < visible; ++j) {
    for (std::size_t d = 0; d < in.head_dim; ++d) scores[j] += in.q.full(row, d) * key(j, d);
    scores[j] /= std::sqrt(static_cast<double>(in.head_dim));
  }
  return softmax(std::move(scores));
}

RowResult attend(const Operands& in, std::size_t row, std::size_t visible, const AttentionSetting& setting) {
  const QuantizationPolicy& bits = setting.quantization;
  const auto full_key = [&](std::size_t j, std::size_t d) { return in.k.full(j, d); };
  const auto msb_key = [&](std::size_t j, std::size_t d) { return in.k.msb(j, d, bits.lsb_bits); };

  RowResult out;
  if (bits.progressive()) {
    out.probabilities = row_probabilities(in, row, visible, msb_key);
    out.used_lsb = needs_lsb(out.probabilities, bits.threshold);
  }
  if (!bits.progressive() || out.used_lsb) out.probabilities = row_probabilities(in, row, visible, full_key);

  out.kept_values = select_values(out.probabilities, value_keep_count(setting.value, setting.token_budget, visible));
  out.out.assign(in.head_dim, 0.0);
  for (const std::uint32_t j : out.kept_values) {
    for (std::size_t d = 0; d < in.head_dim; ++d) out.out[d] += out.probabilities[j] * in.v.full(j, d);
  }
  return out;
}

Operands operands(ConstMatrix q, ConstMatrix k, ConstMatrix v, const QuantizationPolicy& bits) {
  SPATTEN_CHECK(q.cols > 0 && q.cols == k.cols && v.cols == k.cols && v.rows == k.rows && k.rows > 0);
  return {{q, bits.query_bits, bits}, {k, bits.stored_key_bits(), bits}, {v, bits.value_bits, bits}, q.cols};
}

}  // namespace

RowResult attend_row(std::span<const float> q, ConstMatrix k, ConstMatrix v, const AttentionSetting& setting) {
  return attend(operands({q.data(), 1, q.size()}, k, v, setting.quantization), 0, k.rows, setting);
}

HeadResult attend_head(ConstMatrix q, ConstMatrix k, ConstMatrix v, const AttentionSetting& setting) {
  SPATTEN_CHECK(!setting.causal || q.rows <= k.rows);
  const Operands in = operands(q, k, v, setting.quantization);
  HeadResult out;
  out.column_sums.assign(k.rows, 0.0);
  for (std::size_t row = 0; row < q.rows; ++row) {
    const std::size_t visible = setting.causal ? k.rows - q.rows + row + 1 : k.rows;
    out.rows.push_back(attend(in, row, visible, setting));
    const RowResult& result = out.rows.back();
    for (std::size_t j = 0; j < visible; ++j) out.column_sums[j] += result.probabilities[j];
    for (const double value : result.out) out.out_magnitude += std::abs(value);
  }
  return out;
}

}  // namespace spatten::algo

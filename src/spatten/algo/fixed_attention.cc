// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/fixed_attention.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <utility>

#include "spatten/algo/fixed_softmax.h"
#include "spatten/algo/topk.h"

namespace spatten::algo {
namespace {

/// 4095 * 2048 * 256 is below 2^31: so many products of a probability and a V are summed in 32 bits, then in 64.
constexpr std::size_t kNarrowProducts = 256;

template <class Key>
void score_and_normalise(std::span<const Fixed12> query, const Key& key, float scale, std::vector<std::int32_t>& scores,
                         std::vector<Probability12>& probabilities) {
  for (std::size_t j = 0; j < scores.size(); ++j) scores[j] = dot12(query, key(j));
  softmax12(scores, scale, probabilities);
}

}  // namespace

std::int32_t dot12(std::span<const Fixed12> query, std::span<const Fixed12> key) {
  std::int32_t sum = 0;
  for (std::size_t d = 0; d < query.size(); ++d) sum += std::int32_t{query[d]} * std::int32_t{key[d]};
  return sum;
}

void accumulate_importance12(std::span<const Probability12> probabilities, std::span<std::uint32_t> importance) {
  for (std::size_t j = 0; j < probabilities.size(); ++j) {
    const std::uint32_t sum = importance[j] + probabilities[j];
    importance[j] = sum < importance[j] ? std::numeric_limits<std::uint32_t>::max() : sum;
  }
}

std::vector<std::uint32_t> select_values12(std::span<const Probability12> probabilities, std::size_t count) {
  const std::vector<float> exact(probabilities.begin(), probabilities.end());
  return top_k_indices(exact, count);
}

void weighted_sum12(std::span<const Probability12> probabilities, std::span<const std::uint32_t> kept,
                    const FixedMatrix& values, std::span<Fixed12> out) {
  SPATTEN_CHECK(out.size() == values.cols);
  std::vector<std::int64_t> wide(out.size());
  std::vector<std::int32_t> narrow(out.size());
  for (std::size_t first = 0; first < kept.size(); first += kNarrowProducts) {
    std::fill(narrow.begin(), narrow.end(), 0);
    for (const std::uint32_t j : kept.subspan(first, std::min(kNarrowProducts, kept.size() - first))) {
      const Fixed12* v = values.row(j).data();
      const auto p = static_cast<std::int16_t>(probabilities[j]);
      for (std::size_t d = 0; d < narrow.size(); ++d) narrow[d] += std::int32_t{p} * std::int32_t{v[d]};
    }
    for (std::size_t d = 0; d < wide.size(); ++d) wide[d] += narrow[d];
  }
  for (std::size_t d = 0; d < out.size(); ++d) out[d] = saturate12(round_shift(wide[d], kChipBits));
}

std::uint32_t magnitude12(std::span<const Fixed12> out) {
  std::uint32_t sum = 0;
  for (const Fixed12 value : out) sum += static_cast<std::uint32_t>(std::abs(value));
  return sum;
}

FixedRow attend_fixed_row(std::span<const Fixed12> query, const FixedKeys& keys, const FixedMatrix& values,
                          const FixedRowSetting& setting) {
  FixedRow row;
  row.probabilities.resize(setting.visible);
  std::vector<std::int32_t> scores(setting.visible);
  score_and_normalise(query, [&](std::size_t j) { return keys.first(j); }, setting.scale, scores, row.probabilities);
  row.used_lsb = keys.progressive() && needs_lsb12(row.probabilities, setting.threshold);
  if (row.used_lsb) {
    score_and_normalise(query, [&](std::size_t j) { return keys.full.row(j); }, setting.scale, scores, row.probabilities);
  }
  row.kept_values = select_values12(row.probabilities, setting.value_keep > 0 ? setting.value_keep : setting.visible);
  row.out.resize(values.cols);
  weighted_sum12(row.probabilities, row.kept_values, values, row.out);
  return row;
}

FixedHead attend_fixed_head(const FixedHeadTask& task) {
  SPATTEN_CHECK(task.q.cols > 0 && task.q.cols <= kChipMaxHeadDim && task.k.cols == task.q.cols && task.v.cols == task.q.cols);
  const FixedKeys keys = to_fixed_keys(task.k, task.quantization, task.key_rows);
  const FixedMatrix queries = to_fixed(task.q, task.quantization.query_bits, task.quantization.granularity);
  SPATTEN_CHECK(task.v.rows == task.k.rows && keys.full.rows > 0 && (!task.causal || queries.rows <= keys.full.rows));
  SPATTEN_CHECK(task.value_keeps.empty() || task.value_keeps.size() == queries.rows);

  FixedHead head;
  head.values = to_fixed(task.v, task.quantization.value_bits, Granularity::kTensor, task.key_rows);
  head.importance.assign(keys.full.rows, 0);
  FixedRowSetting setting;
  setting.threshold = probability_threshold(task.quantization.threshold);
  for (std::size_t r = 0; r < queries.rows; ++r) {
    setting.scale = score_scale(queries.scale(r), keys.full.scale(0), task.inverse_sqrt_dim);
    setting.visible = task.causal ? keys.full.rows - queries.rows + r + 1 : keys.full.rows;
    if (!task.value_keeps.empty()) setting.value_keep = task.value_keeps[r];
    head.rows.push_back(attend_fixed_row(queries.row(r), keys, head.values, setting));
    accumulate_importance12(head.rows.back().probabilities, head.importance);
    head.magnitude += magnitude12(head.rows.back().out);
  }
  return head;
}

}  // namespace spatten::algo

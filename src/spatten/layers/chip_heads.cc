// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "spatten/algo/fixed_attention.h"
#include "spatten/layers/layer_heads.h"
#include "spatten/layers/quantization.h"

namespace spatten {
namespace {

float probability(std::uint32_t code) { return static_cast<float>(code) / static_cast<float>(algo::kProbabilityOne); }

void write_out(const algo::FixedHead& head, Matrix out) {
  const float scale = head.value_scale();
  for (std::size_t r = 0; r < out.rows; ++r) {
    const std::vector<algo::Fixed12>& row = head.rows[r].out;
    std::transform(row.begin(), row.end(), out.row(r), [&](algo::Fixed12 x) { return static_cast<float>(x) * scale; });
  }
}

/// What the cascade asked for; prepare() made room for it.
void write_evidence(const algo::FixedHead& head, const PassSequence& s, HeadEvidence& out) {
  if (!out.column_sums.empty()) {
    std::transform(head.importance.begin(), head.importance.end(), out.column_sums.begin(), probability);
  }
  if (!out.probe_row.empty()) {
    const auto& probe = head.rows[s.cascade->probe_row(s.rows)].probabilities;
    std::transform(probe.begin(), probe.end(), out.probe_row.begin(), probability);
  }
  for (std::size_t j = 0; j < out.value_norms.size(); ++j) {
    double squares = 0;
    for (const algo::Fixed12 x : head.values.row(j)) squares += x * x;
    out.value_norms[j] = static_cast<float>(std::sqrt(squares)) * head.value_scale();
  }
  for (std::size_t r = 0; r < out.lsb_rows.size(); ++r) out.lsb_rows[r] = head.rows[r].used_lsb;
  out.magnitude = static_cast<float>(head.magnitude) * head.value_scale();
}

struct Reads {
  std::uint64_t score_pairs = 0, value_pairs = 0, lsb_rows = 0, values = 0;  // values: V rows that some query kept
};

Reads count(const algo::FixedHead& head) {
  Reads reads;
  std::vector<std::uint8_t> used(head.values.rows, 0);
  for (const algo::FixedRow& row : head.rows) {
    reads.score_pairs += row.probabilities.size() * (row.used_lsb ? 2 : 1);
    reads.value_pairs += row.kept_values.size();
    reads.lsb_rows += row.used_lsb;
    for (const std::uint32_t j : row.kept_values) used[j] = 1;
  }
  reads.values = static_cast<std::uint64_t>(std::count(used.begin(), used.end(), 1));
  return reads;
}

}  // namespace

ChipHeads::ChipHeads(const Block& block, Pass& pass) : LayerHeads(block, pass) {
  const std::size_t dim = block.shape.head_dim;
  if (dim > algo::kChipMaxHeadDim) {
    throw Error(fmt::format("expected heads of at most {} dimensions for the chip's arithmetic, found {}", algo::kChipMaxHeadDim, dim));
  }
  const kernels::PackedRows k = packed_key_rows(dim, quantization_), v = packed_value_rows(dim, quantization_);
  k_bytes_ = k.msb_bytes_per_row();
  k_lsb_bytes_ = k.lsb_bytes_per_row();
  v_bytes_ = v.msb_bytes_per_row();
}

void ChipHeads::run(const PassSequence& s, const Keys& keys, std::uint32_t head, std::size_t, HeadEvidence& out) const {
  prepare(s, keys, out);
  const std::vector<std::uint32_t> keeps = value_keeps(s, keys, out);
  const KvCache* cached = cache(s);
  SPATTEN_CHECK(cached == nullptr || (!cached->quantized_keys() && !cached->quantized_values()));
  algo::FixedHeadTask task;
  task.q = qkv_columns(s, 0, head);
  task.k = cached != nullptr ? cached->keys(head) : ConstMatrix(qkv_columns(s, 1, head));
  task.v = cached != nullptr ? cached->values(head) : ConstMatrix(qkv_columns(s, 2, head));
  task.key_rows = keys.cache_rows;
  task.inverse_sqrt_dim = block_.shape.scale;
  task.quantization = quantization_;
  task.causal = block_.shape.causal;
  task.value_keeps = keeps;
  const algo::FixedHead result = algo::attend_fixed_head(task);

  write_out(result, context_columns(s, head));
  write_evidence(result, s, out);
  const Reads reads = count(result);
  kernels::AttentionCounters& c = out.counters;
  c.score_multiply_adds += reads.score_pairs * block_.shape.head_dim;
  c.value_multiply_adds += reads.value_pairs * block_.shape.head_dim;
  c.k_bytes += keys.tokens.size() * (k_bytes_ + (reads.lsb_rows > 0 ? k_lsb_bytes_ : 0));
  c.v_bytes += reads.values * v_bytes_;
  c.rows += s.rows;
  c.lsb_rows += reads.lsb_rows;
}

}  // namespace spatten

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

/// What ran, as the kernels count it: a recomputed row twice, K once per head, V rows that some query kept.
void count(const algo::FixedHead& head, kernels::AttentionCounters& c, std::uint64_t& values_read) {
  const std::uint64_t dim = head.values.cols;
  std::vector<std::uint8_t> used(head.values.rows, 0);
  for (const algo::FixedRow& row : head.rows) {
    c.score_multiply_adds += row.probabilities.size() * dim * (row.used_lsb ? 2 : 1);
    c.value_multiply_adds += row.kept_values.size() * dim;
    c.lsb_rows += row.used_lsb;
    for (const std::uint32_t j : row.kept_values) used[j] = 1;
  }
  c.rows += head.rows.size();
  values_read = static_cast<std::uint64_t>(std::count(used.begin(), used.end(), 1));
}

}  // namespace

ChipHeads::ChipHeads(const Block& block, Pass& pass) : LayerHeads(block, pass) {
  const std::size_t dim = block.shape.head_dim;
  const kernels::PackedRows k = packed_key_rows(dim, quantization_), v = packed_value_rows(dim, quantization_);
  k_bytes_ = k.msb_bytes_per_row();
  k_lsb_bytes_ = k.lsb_bytes_per_row();
  v_bytes_ = v.msb_bytes_per_row();
}

void ChipHeads::run(const PassSequence& s, const Keys& keys, std::uint32_t head, std::size_t, HeadEvidence& out) const {
  prepare(s, keys, out);
  const std::vector<std::uint32_t> keeps = value_keeps(s, keys, out);
  const HeadOperands in = operands(s, keys, head);
  // A decoder that was started in fp32 under a policy of few bits has none.
  SPATTEN_CHECK(in.k.rows > 0 && in.v.rows > 0);
  algo::FixedHeadTask task;
  task.q = in.q;
  task.k = in.k;
  task.v = in.v;
  task.key_rows = in.key_rows;
  task.inverse_sqrt_dim = in.scale;
  task.quantization = quantization_;
  task.causal = in.causal;
  task.value_keeps = keeps;
  const algo::FixedHead result = algo::attend_fixed_head(task);

  write_out(result, context_columns(s, head));
  write_evidence(result, s, out);
  std::uint64_t values_read = 0;
  count(result, out.counters, values_read);
  out.counters.k_bytes += keys.tokens.size() * (k_bytes_ + (out.counters.lsb_rows > 0 ? k_lsb_bytes_ : 0));
  out.counters.v_bytes += values_read * v_bytes_;
  if (pass_.options->tap != nullptr) show(in, keeps);
}

}  // namespace spatten

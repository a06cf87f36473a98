// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/attention_record.h"

#include <algorithm>

#include "spatten/layers/linear.h"

namespace spatten {
namespace {

template <class T>
T& at_layer(std::vector<T>& list, std::uint32_t layer) {
  if (list.size() <= layer) list.resize(layer + 1);
  return list[layer];
}

/// Pairs (query, key) that a dense pass computes per head.
std::uint64_t dense_pairs(const PassSequence& s, bool causal) {
  const std::uint64_t n = s.new_tokens, past = s.context - s.new_tokens;
  return causal ? n * past + n * (n + 1) / 2 : n * s.context;
}

}  // namespace

void add_layer_ops(PassSequence& s, std::uint32_t layer, std::uint64_t executed, std::uint64_t dense) {
  s.report->work.ops_executed += executed;
  s.report->work.ops_dense_equivalent += dense;
  at_layer(s.report->pruning.layer_ops, layer) += executed;
  at_layer(s.report->pruning.layer_ops_dense, layer) += dense;
}

void add_linear_work(PassSequence& s, const BlockShape& shape, std::uint64_t executed, std::uint64_t weights) {
  add_layer_ops(s, shape.layer, executed, matmul_ops(s.new_tokens, weights, 1));
}

void add_dense_attention_work(PassSequence& s, const BlockShape& shape) {
  add_layer_ops(s, shape.layer, 0, shape.heads * 2 * matmul_ops(dense_pairs(s, shape.causal), shape.head_dim, 1));
  s.report->work.kv_bytes_dense += std::uint64_t{2} * sizeof(float) * shape.heads * s.context * shape.head_dim;
}

void notice_layer(PassSequence& s, const BlockShape& shape, bool wanted, const std::vector<std::uint32_t>& tokens,
                  const std::vector<std::uint32_t>& heads) {
  if (!wanted || s.cascade == nullptr) return;
  PruningReport& report = s.report->pruning;
  at_layer(report.survivors, shape.layer) = tokens;
  at_layer(report.heads, shape.layer) = heads;
  report.schedule = s.cascade->schedule();
}

void notice_decision(const Pass& pass, PassSequence& s, const BlockShape& shape, const algo::LayerDecision& decision) {
  if (s.cascade == nullptr) return;
  const bool last_layer = shape.layer + 1 == shape.layers;
  if (!s.records.empty()) {
    trace::Record& last = s.records.back();
    if (decision.tokens_changed) last.top_k_tokens = static_cast<std::uint32_t>(decision.kept_positions.size());
    if (decision.heads_changed) last.top_k_heads = static_cast<std::uint32_t>(decision.kept_heads.size());
    last.rescale_importance = last_layer && s.stage == trace::Stage::kGeneration && pass.policy().rescales();
  }
  if (!pass.options->record_pruning) return;
  const std::span<const double> scores = s.cascade->token_scores();
  std::vector<float>& out = at_layer(s.report->pruning.layer_scores, shape.layer);
  out.assign(scores.begin(), scores.end());
  if (last_layer) s.report->pruning.token_scores = out;
}

trace::Record make_record(const Pass& pass, const PassSequence& s, const BlockShape& shape, std::uint32_t head,
                          const std::vector<std::uint32_t>& keys, const HeadEvidence& evidence) {
  const algo::QuantizationPolicy q = pass.quantization();
  trace::Record r;
  r.step = s.step;
  r.layer = shape.layer;
  r.head = head;
  r.context = static_cast<std::uint32_t>(s.context);
  r.keys = static_cast<std::uint32_t>(keys.size());
  r.values = evidence.values;
  if (pass.policy().value_pruning()) r.values_total = evidence.counters.value_multiply_adds / shape.head_dim;
  r.rows = static_cast<std::uint32_t>(s.rows);
  r.stage = s.stage;
  r.causal = shape.causal;
  r.head_dim = shape.head_dim;
  r.key_msb_bits = static_cast<std::uint8_t>(q.progressive() ? q.msb_bits : q.stored_key_bits());
  r.key_lsb_bits = static_cast<std::uint8_t>(q.progressive() ? q.lsb_bits : 0);
  r.query_bits = static_cast<std::uint8_t>(q.query_bits);
  r.value_bits = static_cast<std::uint8_t>(q.value_bits);
  r.threshold = q.progressive() ? q.threshold : 0;
  r.accumulate_importance = s.cascade != nullptr && pass.policy().token_pruning();
  if (keys.size() < s.context) r.key_ids = keys;
  if (pass.options->record_scores && r.accumulate_importance) {
    const std::span<const double> scores = s.cascade->token_scores();
    for (const std::uint32_t token : keys) r.scores.push_back(static_cast<float>(scores[token]));
  }
  if (const std::vector<std::uint8_t>& lsb_rows = evidence.lsb_rows; !lsb_rows.empty()) {
    r.lsb_mask.assign((lsb_rows.size() + 7) / 8, 0);
    for (std::size_t i = 0; i < lsb_rows.size(); ++i) {
      r.lsb_rows += lsb_rows[i];
      r.lsb_mask[i / 8] = static_cast<std::uint8_t>(r.lsb_mask[i / 8] | (lsb_rows[i] << (i % 8)));
    }
  }
  return r;
}

}  // namespace spatten

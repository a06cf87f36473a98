// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "spatten/kernels/vector_ops.h"
#include "spatten/layers/layer_heads.h"
#include "spatten/layers/quantization.h"

namespace spatten {

FloatHeads::FloatHeads(const Block& block, Pass& pass) : LayerHeads(block, pass) {
  scratch_.resize(pass.threads().size());
  for (Scratch& s : scratch_) {
    if (quantization_.stored_key_bits() > 0) s.k = packed_key_rows(block.shape.head_dim, quantization_);
    if (quantization_.value_bits > 0) s.v = packed_value_rows(block.shape.head_dim, quantization_);
  }
}

void FloatHeads::run(const PassSequence& s, const Keys& keys, std::uint32_t head, std::size_t worker, HeadEvidence& out) {
  prepare(s, keys, out);
  const std::vector<std::uint32_t> keeps = value_keeps(s, keys, out);
  kernels::QuantizedAttentionHead task;
  fill_task(s, keys, head, out, task);
  task.value_keeps = keeps;
  Scratch& scratch = scratch_[worker];
  quantize_q(task, scratch);
  choose_operands(s, head, scratch, task);
  task.threshold = static_cast<float>(quantization_.threshold);
  if (!out.lsb_rows.empty()) task.lsb_rows = out.lsb_rows.data();
  kernels::attention_head(task, pass_.scratch[worker]);
  if (!out.value_norms.empty()) norms(s, keys, head, scratch, out.value_norms);
  if (pass_.options->tap != nullptr) show(operands(s, keys, head), keeps);
}

void FloatHeads::fill_task(const PassSequence& s, const Keys& keys, std::uint32_t head, HeadEvidence& out,
                           kernels::AttentionTask& task) const {
  const BlockShape& shape = block_.shape;
  task.q = qkv_columns(s, 0, head);
  task.out = context_columns(s, head);
  task.scale = shape.scale;
  task.causal = shape.causal;
  task.causal_offset = keys.tokens.size() - s.rows;
  task.key_rows = keys.cache_rows;
  task.counters = &out.counters;
  if (!out.column_sums.empty()) task.column_sums = out.column_sums.data();
  if (!out.probe_row.empty()) {
    task.probe_row = s.cascade->probe_row(s.rows);
    task.probe_probabilities = out.probe_row.data();
  }
  if (s.cascade != nullptr && s.cascade->needs().out_magnitude) task.magnitude = &out.magnitude;
}

void FloatHeads::quantize_q(kernels::AttentionTask& task, Scratch& scratch) const {
  if (quantization_.query_bits == 0) return;
  const Matrix copy = scratch.q.resize(task.q.rows, task.q.cols);
  for (std::size_t r = 0; r < copy.rows; ++r) std::copy_n(task.q.row(r), copy.cols, copy.row(r));
  quantize_queries(copy, quantization_);
  task.q = copy;
}

const kernels::PackedRows& FloatHeads::packed(ConstMatrix rows, kernels::PackedRows& out) const {
  out.truncate(0);
  append_quantized(rows, quantization_.granularity, out);
  return out;
}

/// K and V: packed or float, from the cache or from this pass.
void FloatHeads::choose_operands(const PassSequence& s, std::uint32_t head, Scratch& scratch,
                                 kernels::QuantizedAttentionHead& task) const {
  const KvCache* cached = cache(s);
  if (quantization_.stored_key_bits() > 0) {
    task.k = cached != nullptr ? &cached->packed_keys(head) : &packed(qkv_columns(s, 1, head), scratch.k);
  } else {
    task.k_float = cached != nullptr ? cached->keys(head) : ConstMatrix(qkv_columns(s, 1, head));
  }
  if (quantization_.value_bits > 0) {
    task.v_packed = cached != nullptr ? &cached->packed_values(head) : &packed(qkv_columns(s, 2, head), scratch.v);
  } else {
    task.v = cached != nullptr ? cached->values(head) : ConstMatrix(qkv_columns(s, 2, head));
  }
}

/// Norms of V as stored; `scratch.v` holds the packed rows of a pass without a cache.
void FloatHeads::norms(const PassSequence& s, const Keys& keys, std::uint32_t head, const Scratch& scratch,
                       std::vector<float>& out) const {
  const KvCache* cached = cache(s);
  std::vector<float> decoded(block_.shape.head_dim);
  for (std::size_t j = 0; j < keys.tokens.size(); ++j) {
    const std::size_t row = keys.cache_rows.empty() ? j : keys.cache_rows[j];
    ConstMatrix v;
    if (quantization_.value_bits > 0) {
      (cached != nullptr ? cached->packed_values(head) : scratch.v).decode_row(row, false, decoded.data());
      v = {decoded.data(), 1, decoded.size()};
    } else {
      v = (cached != nullptr ? cached->values(head) : ConstMatrix(qkv_columns(s, 2, head))).rows_from(row, 1);
    }
    kernels::row_norms(v, &out[j]);
  }
}

}  // namespace spatten

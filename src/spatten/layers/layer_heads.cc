// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/layer_heads.h"

namespace spatten {

HeadOperands LayerHeads::operands(const PassSequence& s, const Keys& keys, std::uint32_t head) const {
  HeadOperands o;
  o.step = s.step;
  o.layer = block_.shape.layer;
  o.head = head;
  o.q = qkv_columns(s, 0, head);
  o.out = context_columns(s, head);
  const KvCache* cached = cache(s);
  if (cached == nullptr) {
    o.k = qkv_columns(s, 1, head);
    o.v = qkv_columns(s, 2, head);
  } else {
    if (!cached->quantized_keys()) o.k = cached->keys(head);
    if (!cached->quantized_values()) o.v = cached->values(head);
  }
  o.key_rows = keys.cache_rows;
  o.scale = block_.shape.scale;
  o.causal = block_.shape.causal;
  return o;
}

void LayerHeads::show(HeadOperands operands, std::span<const std::uint32_t> value_keeps) const {
  operands.value_keeps = value_keeps;
  pass_.options->tap->see(operands);
}

Matrix LayerHeads::qkv_columns(const PassSequence& s, std::size_t section, std::uint32_t head) const {
  return pass_.qkv.view()
      .rows_from(s.first_row, s.rows)
      .cols_from(section * block_.shape.hidden + head * block_.shape.head_dim, block_.shape.head_dim);
}

Matrix LayerHeads::context_columns(const PassSequence& s, std::uint32_t head) const {
  return pass_.context.view().rows_from(s.first_row, s.rows).cols_from(head * block_.shape.head_dim, block_.shape.head_dim);
}

const KvCache* LayerHeads::cache(const PassSequence& s) const {
  return s.caches == nullptr ? nullptr : &(*s.caches)[block_.shape.layer];
}

void LayerHeads::prepare(const PassSequence& s, const Keys& keys, HeadEvidence& out) const {
  if (quantization_.progressive()) out.lsb_rows.assign(s.rows, 0);
  if (s.cascade == nullptr) return;
  const algo::ObservationNeeds needs = s.cascade->needs();
  if (needs.column_sums) out.column_sums.assign(keys.tokens.size(), 0.0f);
  if (needs.probe_row) out.probe_row.assign(keys.tokens.size(), 0.0f);
  if (needs.value_norms) out.value_norms.assign(keys.tokens.size(), 0.0f);
}

std::vector<std::uint32_t> LayerHeads::value_keeps(const PassSequence& s, const Keys& keys, HeadEvidence& out) const {
  const std::size_t all = keys.tokens.size();
  out.values = static_cast<std::uint32_t>(all);
  if (s.cascade == nullptr || !pass_.policy().value_pruning()) return {};
  out.values = s.cascade->value_count(block_.shape.layer, all);
  std::vector<std::uint32_t> keeps(s.rows, out.values);
  if (!block_.shape.causal) return keeps;
  for (std::size_t r = 0; r < s.rows; ++r) keeps[r] = s.cascade->value_count(block_.shape.layer, all - s.rows + r + 1);
  return keeps;
}

}  // namespace spatten

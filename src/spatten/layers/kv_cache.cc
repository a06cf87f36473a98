// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/kv_cache.h"

#include <algorithm>

namespace spatten {

algo::QuantizationPolicy stored_quantization(const RunOptions& options) {
  if (options.policy == nullptr || options.arithmetic == Arithmetic::kChip) return {};
  return options.policy->quantization;
}

// ---------------------------------------------------------------- Rows

void KvCache::Rows::reallocate(std::size_t rows, std::size_t used) {
  Buffer<float> bigger(rows * cols_);
  std::copy_n(data_.data(), used * cols_, bigger.data());
  data_.swap(bigger);
}

void KvCache::Rows::append(ConstMatrix rows, std::size_t used) {
  const std::size_t need = used + rows.rows;
  // A quarter of head room: amortised copying is constant per row, and the cache stays near its content.
  if (need * cols_ > data_.size()) reallocate(std::max(need, used + used / 4), used);
  for (std::size_t r = 0; r < rows.rows; ++r) std::copy_n(rows.row(r), cols_, data_.data() + (used + r) * cols_);
}

void KvCache::Rows::keep(std::span<const std::uint32_t> kept) {
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] != i) std::copy_n(data_.data() + kept[i] * cols_, cols_, data_.data() + i * cols_);
  }
  const std::size_t roomy = kept.size() + kept.size() / 4 + 1;
  if (data_.size() > roomy * cols_) reallocate(roomy, kept.size());
}

// ---------------------------------------------------------------- KvCache

namespace {

void keep_packed(kernels::PackedRows& rows, std::span<const std::uint32_t> kept) {
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i] != i) rows.move_row(i, kept[i]);
  }
  rows.truncate(kept.size());
  rows.shrink();
}

}  // namespace

KvCache::KvCache(std::size_t heads, std::size_t head_dim, const algo::QuantizationPolicy& quantization)
    : head_dim_(head_dim),
      packed_keys_(quantization.stored_key_bits() > 0),
      packed_values_(quantization.value_bits > 0),
      granularity_(quantization.granularity) {
  heads_.reserve(heads);
  for (std::size_t h = 0; h < heads; ++h) {
    Head head{Rows(head_dim), Rows(head_dim), {}, {}};
    if (packed_keys_) head.packed_k = packed_key_rows(head_dim, quantization);
    if (packed_values_) head.packed_v = packed_value_rows(head_dim, quantization);
    heads_.push_back(std::move(head));
  }
}

void KvCache::append(ConstMatrix k, ConstMatrix v, std::span<const std::uint32_t> tokens) {
  const std::size_t used = rows();
  for (std::size_t h = 0; h < heads_.size(); ++h) {
    Head& head = heads_[h];
    const ConstMatrix kh = k.cols_from(h * head_dim_, head_dim_), vh = v.cols_from(h * head_dim_, head_dim_);
    if (packed_keys_) {
      append_quantized(kh, granularity_, head.packed_k);
    } else {
      head.k.append(kh, used);
    }
    if (packed_values_) {
      append_quantized(vh, granularity_, head.packed_v);
    } else {
      head.v.append(vh, used);
    }
  }
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
}

void KvCache::keep(std::span<const std::uint32_t> kept) {
  if (kept.size() == rows()) return;
  for (Head& head : heads_) {
    if (packed_keys_) {
      keep_packed(head.packed_k, kept);
    } else {
      head.k.keep(kept);
    }
    if (packed_values_) {
      keep_packed(head.packed_v, kept);
    } else {
      head.v.keep(kept);
    }
  }
  for (std::size_t i = 0; i < kept.size(); ++i) tokens_[i] = tokens_[kept[i]];
  tokens_.resize(kept.size());
  tokens_.shrink_to_fit();
}

std::size_t KvCache::bytes() const {
  std::size_t total = 0;
  for (const Head& head : heads_) {
    total += head.k.bytes() + head.v.bytes() + head.packed_k.memory_bytes() + head.packed_v.memory_bytes();
  }
  return total;
}

}  // namespace spatten

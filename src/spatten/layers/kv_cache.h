// SPDX-License-Identifier: Apache-2.0
// K and V of one sequence in one layer, per head contiguous, in fp32 or as integer planes (progressive quantization keeps
// the low bits of K in planes of their own). Rows can be evicted for good; their memory is given back.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spatten/algo/policy.h"
#include "spatten/base/matrix.h"
#include "spatten/kernels/packed_rows.h"
#include "spatten/layers/context.h"
#include "spatten/layers/quantization.h"

namespace spatten {

/// Widths in which a cache stores K and V: the policy's. For the chip fp32: it has one scale for all keys of a head, which
/// a new key may raise, and levels of an old scale would be rounded twice (docs/deviations.md).
algo::QuantizationPolicy stored_quantization(const RunOptions& options);

class KvCache {
 public:
  KvCache(std::size_t heads, std::size_t head_dim, const algo::QuantizationPolicy& quantization);

  std::size_t rows() const { return tokens_.size(); }
  /// Original position of each row, ascending.
  const std::vector<std::uint32_t>& tokens() const { return tokens_; }

  /// Appends rows; k and v are rows x (heads * head_dim).
  void append(ConstMatrix k, ConstMatrix v, std::span<const std::uint32_t> tokens);
  /// Keeps only these rows (ascending indices) and shrinks the allocation.
  void keep(std::span<const std::uint32_t> kept_rows);

  bool quantized_keys() const { return packed_keys_; }
  bool quantized_values() const { return packed_values_; }
  ConstMatrix keys(std::size_t head) const { return heads_[head].k.view(rows()); }
  ConstMatrix values(std::size_t head) const { return heads_[head].v.view(rows()); }
  const kernels::PackedRows& packed_keys(std::size_t head) const { return heads_[head].packed_k; }
  const kernels::PackedRows& packed_values(std::size_t head) const { return heads_[head].packed_v; }

  /// Bytes allocated now.
  std::size_t bytes() const;
  /// Bytes of `rows` rows in fp32.
  std::size_t dense_bytes(std::size_t rows) const { return 2 * rows * heads_.size() * head_dim_ * sizeof(float); }

 private:
  /// Rows of fp32 that grow by a quarter and shrink when a quarter is enough.
  class Rows {
   public:
    explicit Rows(std::size_t cols) : cols_(cols) {}
    void append(ConstMatrix rows, std::size_t used);
    void keep(std::span<const std::uint32_t> kept);
    ConstMatrix view(std::size_t rows) const { return {data_.data(), rows, cols_}; }
    std::size_t bytes() const { return data_.size() * sizeof(float); }

   private:
    void reallocate(std::size_t rows, std::size_t used);
    std::size_t cols_;
    Buffer<float> data_;
  };
  struct Head {
    Rows k, v;
    kernels::PackedRows packed_k, packed_v;
  };

  std::size_t head_dim_;
  bool packed_keys_, packed_values_;
  algo::Granularity granularity_;
  std::vector<std::uint32_t> tokens_;
  std::vector<Head> heads_;
};

}  // namespace spatten

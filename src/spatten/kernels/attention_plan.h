// SPDX-License-Identifier: Apache-2.0
// What both attention paths (attention_tiles.cc, attention_stream.cc) are given: one form for floats and few-bit
// integers, for whole and gathered K and V. Plain data, because code compiled per target reads it (simd.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "spatten/base/matrix.h"
#include "spatten/kernels/attention.h"
#include "spatten/kernels/packed_rows.h"

namespace spatten::kernels {

/// Row j of K or V: floats at data + order[j] * stride, or integers in planes.
struct RowSource {
  const float* data = nullptr;  // null: planes
  std::size_t stride = 0;
  PackedRows::Planes planes;
  const std::uint32_t* order = nullptr;  // null: row j is row j
};

struct AttentionPlan {
  const float* q = nullptr;
  std::size_t q_stride = 0;
  float* out = nullptr;
  std::size_t out_stride = 0;
  std::size_t queries = 0, keys = 0, dim = 0;
  RowSource k, v;
  float scale = 1;
  bool causal = false;
  std::size_t causal_offset = 0;
  float threshold = 0;  // rows below it are recomputed with the low bits of K; 0: never
  std::size_t value_keep = 0;                  // of every query, 0: all; or
  const std::uint32_t* value_keeps = nullptr;  // of each query
  std::size_t probe_row = 0;
  float* probe = nullptr;
  float* column_sums = nullptr;
  std::uint8_t* lsb_rows = nullptr;
};

/// What a call found out; the caller turns rows into bytes.
struct AttentionOutcome {
  double magnitude = 0;
  std::uint64_t score_pairs = 0, value_pairs = 0;
  std::uint64_t lsb_rows = 0;
  std::uint64_t values_read = 0;  // rows of V that some query used
  std::uint64_t keys_read = 0;    // rows of K that some query saw
  bool keys_read_lsb = false;
};

/// Working memory; sizes are those of the plan in hand.
struct AttentionBuffers {
  float* keys = nullptr;       // K transposed: [panel][dim][kKeyPanel]
  float* keys_full = nullptr;  // the same with the low bits
  float* values = nullptr;     // keys x dim, gathered or decoded V
  float* block = nullptr;      // kBlockRows x padded keys: scores, then probabilities
  float* sums = nullptr;       // padded keys
  float* rows = nullptr;       // 16 x dim, decoded rows
  std::int32_t* order_keys = nullptr;  // padded keys, for the selection of V
  std::uint32_t* kept = nullptr;       // padded keys + 16
  std::uint8_t* value_used = nullptr;  // keys
};

constexpr std::size_t kKeyPanel = 64;

/// Keys rounded up to whole vectors of every target.
constexpr std::size_t padded_keys(std::size_t keys) { return (keys + 15) / 16 * 16; }

/// Query rows per block: as many as keep the block near 192 KB, whole tiles of 6.
constexpr std::size_t block_rows(std::size_t keys) {
  const std::size_t rows = 49152 / padded_keys(keys) / 6 * 6;
  return rows < 6 ? 6 : rows > 48 ? 48 : rows;
}

AttentionOutcome attend_tiles(const AttentionPlan& plan, const AttentionBuffers& buffers);
AttentionOutcome attend_stream(const AttentionPlan& plan, const AttentionBuffers& buffers);

}  // namespace spatten::kernels

// SPDX-License-Identifier: Apache-2.0
// Attention of one head of one sequence (HPCA'21 Alg. 1) with what SpAtten adds to it: importance sums, local value
// pruning, gathered key rows. The L0 x L1 matrix is never stored: blocks of query rows meet all keys in scratch of the
// size of L2. Two paths: many queries use outer-product tiles on K transposed once; one query (decoding) streams K and
// V once and transposes nothing. On the first path a row's result does not depend on the rows beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "spatten/base/matrix.h"

namespace spatten::kernels {

/// What ran, counted by the kernel. Sums over calls.
struct AttentionCounters {
  std::uint64_t score_multiply_adds = 0;  // Q x K on visible (query, key) pairs, recomputed rows twice
  std::uint64_t value_multiply_adds = 0;  // prob x V on kept (query, value) pairs
  std::uint64_t k_bytes = 0, v_bytes = 0;  // of K and V as stored (row scales excluded), read once per head for many
                                           // queries; V: rows that some query kept
  std::uint64_t rows = 0, lsb_rows = 0;   // query rows; of these recomputed with the low bits of K
};

/// What both forms of K and V share. D = q.cols is a multiple of 16; 32, 64 and 128 are fast.
struct AttentionTask {
  ConstMatrix q = {};                       // queries x D
  Matrix out = {};                          // queries x D; must not overlap the inputs
  float scale = 1;                          // of the scores, 1 / sqrt(D)
  bool causal = false;                      // query i sees the keys j <= i + causal_offset (all others see every key)
  std::size_t causal_offset = 0;
  std::span<const std::uint32_t> key_rows = {};  // empty: all rows of K and V in order; else key j is row key_rows[j]
  float* column_sums = nullptr;             // n_keys, += sum over queries of the probabilities; or null
  std::size_t probe_row = 0;                // the query whose probabilities are wanted
  float* probe_probabilities = nullptr;     // n_keys (0 for keys it does not see); or null
  std::size_t value_keep = 0;               // 0: all; else V rows per query: those of the largest probabilities, ties to
                                            // the lower index, no renormalisation (HPCA'21 III-C)
  std::span<const std::uint32_t> value_keeps = {};  // the same per query, in place of value_keep; empty: value_keep for all
  float* magnitude = nullptr;               // += sum of |out|; or null
  AttentionCounters* counters = nullptr;    // += what ran; or null
};

struct AttentionHead : AttentionTask {
  ConstMatrix k = {}, v = {};  // keys x D
};

/// Memory that calls reuse; one per thread. Grows to the largest call.
class AttentionScratch {
 public:
  AttentionScratch();
  ~AttentionScratch();
  AttentionScratch(AttentionScratch&&) noexcept;
  AttentionScratch& operator=(AttentionScratch&&) noexcept;

  struct State;  // attention.cc
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

void attention_head(const AttentionHead& head, AttentionScratch& scratch);

}  // namespace spatten::kernels

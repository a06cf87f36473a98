// SPDX-License-Identifier: Apache-2.0
// One forward pass over a ragged batch: the rows of all sequences stand under each other in shared matrices, without
// padding. A sequence owns a range of rows; pruning shrinks the ranges between layers.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "spatten/algo/cascade.h"
#include "spatten/base/matrix.h"
#include "spatten/kernels/attention.h"
#include "spatten/kernels/gemm.h"
#include "spatten/layers/context.h"
#include "spatten/layers/kv_cache.h"
#include "spatten/trace/record.h"

namespace spatten {

/// One sequence of a pass.
struct PassSequence {
  std::size_t first_row = 0, rows = 0;        // its rows in Pass::x, one per token that is alive
  std::vector<std::uint32_t> row_tokens;      // original position of each row
  std::size_t new_tokens = 0;                 // rows at the start of the pass
  std::size_t context = 0;                    // tokens of the sequence so far, evicted ones included
  trace::Stage stage = trace::Stage::kSummarization;
  algo::CascadeState* cascade = nullptr;      // null: nothing is pruned and no scores are kept
  std::vector<KvCache>* caches = nullptr;     // decoders: one per layer
  RunReport* report = nullptr;                // required
  std::uint32_t step = 0;                     // in the trace
  std::vector<trace::Record> records;         // of this pass, filled when a sink listens
  std::uint32_t first_token = 0;              // position of the first token of this pass
  Matrix frozen;                              // where the state of pruned tokens stays (new_tokens x hidden), or empty
};

/// Matrices and scratch that the layers of a pass share. Rows beyond total_rows() are stale.
struct Pass {
  const RunOptions* options = nullptr;
  kernels::Gemm* gemm = nullptr;
  std::vector<PassSequence> sequences;
  OwnedMatrix<float> x, normed, qkv, context, ffn;
  std::vector<kernels::AttentionScratch> scratch;  // per worker

  ThreadPool& threads() const { return *options->threads; }
  std::size_t total_rows() const {
    return sequences.empty() ? 0 : sequences.back().first_row + sequences.back().rows;
  }
  const algo::Policy& policy() const;
  /// Widths of Q, K and V in force: the policy's, on the chip with 12 bits for what it leaves in floating point.
  algo::QuantizationPolicy quantization() const;
};

/// Hands the records of a finished pass to the sink, sequence by sequence, when one listens.
void write_records(Pass& pass);

/// Copies the state of every token of the pass to its frozen place, so that all tokens have one.
void freeze_survivors(Pass& pass);

/// Splits rows over the pool and calls task(first_row, rows).
void for_row_chunks(ThreadPool& threads, std::size_t rows, const std::function<void(std::size_t, std::size_t)>& task);

}  // namespace spatten

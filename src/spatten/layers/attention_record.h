// SPDX-License-Identifier: Apache-2.0
// Book-keeping of a layer: operations executed and dense, what people see of the pruning, and the trace's records.
#pragma once

#include <cstdint>
#include <vector>

#include "spatten/algo/cascade.h"
#include "spatten/layers/block.h"
#include "spatten/trace/record.h"

namespace spatten {

/// What one (sequence, head) left behind for the cascade, the counters and the trace.
struct HeadEvidence {
  std::vector<float> column_sums, probe_row, value_norms;  // per key, where the cascade asks for them
  float magnitude = 0;
  kernels::AttentionCounters counters;
  std::vector<std::uint8_t> lsb_rows;  // one per query row, progressive quantization only
  std::uint32_t values = 0;            // V rows kept by a query that sees all keys
};

/// Adds to the layer's and the run's operations; a multiply-add is two.
void add_layer_ops(PassSequence& s, std::uint32_t layer, std::uint64_t executed, std::uint64_t dense);

/// A linear layer: `executed` operations; dense: all tokens of the pass through `weights` elements.
void add_linear_work(PassSequence& s, const BlockShape& shape, std::uint64_t executed, std::uint64_t weights);

/// Q x K, prob x V and K/V bytes that this layer would take unpruned in fp32. K and V count once per head for many
/// queries, since one fetch serves all of them (HPCA'21 IV-A).
void add_dense_attention_work(PassSequence& s, const BlockShape& shape);

/// What entered the layer, for PruningReport. Nothing unless `wanted` and pruning is on.
void notice_layer(PassSequence& s, const BlockShape& shape, bool wanted, const std::vector<std::uint32_t>& tokens,
                  const std::vector<std::uint32_t>& heads);
/// Scores after the layer, when the pass records the pruning; the top-k that ran goes to the layer's last record, and so
/// does, in an iteration's last layer, that the scores fade before the next one.
void notice_decision(const Pass& pass, PassSequence& s, const BlockShape& shape, const algo::LayerDecision& decision);

trace::Record make_record(const Pass& pass, const PassSequence& s, const BlockShape& shape, std::uint32_t head,
                          const std::vector<std::uint32_t>& keys, const HeadEvidence& evidence);

}  // namespace spatten

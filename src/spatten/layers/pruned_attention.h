// SPDX-License-Identifier: Apache-2.0
// The heart: attention of one layer for every sequence of a pass, with the living heads and keys only. Projects Q, K, V;
// appends to the caches; per (sequence, head) runs the fused kernel or the chip's datapath (layer_heads.h), which prune
// values and read low bits as the policy says; hands the evidence to the cascade and a record to the trace. Who leaves is decided in algo/, not here.
#pragma once

#include "spatten/algo/cascade.h"
#include "spatten/layers/block.h"

namespace spatten {

/// What the cascades decided in this layer, per sequence; empty lists where nothing is pruned.
struct LayerOutcome {
  std::vector<std::vector<std::uint32_t>> heads;       // heads that ran
  std::vector<algo::LayerDecision> decisions;
};

/// From the (normed) input of the layer to Pass::context (rows x hidden; columns of pruned heads are stale).
LayerOutcome attend(const Block& block, ConstMatrix input, Pass& pass);

/// x += context * W_output + bias with the living heads' columns only.
void project_output(const Block& block, const LayerOutcome& outcome, Pass& pass);

}  // namespace spatten

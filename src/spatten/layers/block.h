// SPDX-License-Identifier: Apache-2.0
// A transformer block, post-norm (BERT) or pre-norm (GPT-2): attention with its projections, feed-forward, and between
// them the places where pruned tokens leave (HPCA'21 III-A: they leave attention and the feed-forward, for good).
#pragma once

#include <cstdint>

#include "spatten/kernels/activation.h"
#include "spatten/layers/layer_norm.h"
#include "spatten/layers/linear.h"
#include "spatten/layers/pass.h"

namespace spatten {

enum class NormPlacement { kPost, kPre };

struct BlockShape {
  std::uint32_t layer = 0, layers = 0, heads = 0, head_dim = 0, hidden = 0, ffn = 0;
  bool causal = false;
  float scale = 1;  // of the scores
  NormPlacement norm = NormPlacement::kPost;
  kernels::Activation activation = kernels::Activation::kGelu;
};

/// Columns of a qkv row: Q of all heads, then K, then V. Panels of `qkv` are whole heads or divide them.
struct Block {
  BlockShape shape;
  Linear qkv, output, up, down;
  LayerNorm attention_norm, ffn_norm;

  /// One layer of the pass, x to x. Sequences lose the rows that their policy prunes.
  void run(Pass& pass) const;

 private:
  void feed_forward(Pass& pass) const;
};

}  // namespace spatten

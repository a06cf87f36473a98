// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/block.h"

#include "spatten/layers/attention_record.h"
#include "spatten/layers/pruned_attention.h"
#include "spatten/layers/shrink.h"

namespace spatten {
namespace {

Matrix used(OwnedMatrix<float>& m, const Pass& pass) { return m.view().rows_from(0, pass.total_rows()); }

/// The input of a sub-layer: x itself, or its norm.
ConstMatrix input_of(const LayerNorm& norm, NormPlacement placement, Pass& pass) {
  if (placement == NormPlacement::kPost) return used(pass.x, pass);
  norm(used(pass.x, pass), used(pass.normed, pass), pass.threads());
  return used(pass.normed, pass);
}

void finish(const LayerNorm& norm, NormPlacement placement, Pass& pass) {
  if (placement == NormPlacement::kPost) norm(used(pass.x, pass), used(pass.x, pass), pass.threads());
}

}  // namespace

void Block::run(Pass& pass) const {
  const bool early = pass.policy().token.point == algo::PrunePoint::kAfterAttention;
  const LayerOutcome outcome = attend(*this, input_of(attention_norm, shape.norm, pass), pass);
  if (early) shrink(pass, outcome.decisions, true);
  project_output(*this, outcome, pass);
  finish(attention_norm, shape.norm, pass);
  feed_forward(pass);
  finish(ffn_norm, shape.norm, pass);
  if (!early) shrink(pass, outcome.decisions, false);
}

void Block::feed_forward(Pass& pass) const {
  kernels::LinearArgs first;
  first.x = input_of(ffn_norm, shape.norm, pass);
  first.w = &up.weight;
  first.bias = up.bias_or_null();
  first.y = used(pass.ffn, pass);
  first.activation = shape.activation;
  kernels::linear(first, *pass.gemm, pass.threads());

  kernels::LinearArgs second;
  second.x = first.y;
  second.w = &down.weight;
  second.bias = down.bias_or_null();
  second.y = used(pass.x, pass);
  second.accumulate = true;
  kernels::linear(second, *pass.gemm, pass.threads());

  for (PassSequence& s : pass.sequences) {
    add_linear_work(s, shape, 2 * matmul_ops(s.rows, shape.hidden, shape.ffn), std::uint64_t{2} * shape.hidden * shape.ffn);
  }
}

}  // namespace spatten

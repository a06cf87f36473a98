// SPDX-License-Identifier: Apache-2.0
// Attention over quantised K and V with progressive quantization (HPCA'21 III-D): scores from the high bits of K; a
// query row whose largest probability stays below `threshold` reads the low bits and is computed once more. The first
// probabilities of such a row are thrown away and counted nowhere.
#pragma once

#include "spatten/kernels/attention.h"
#include "spatten/kernels/packed_rows.h"

namespace spatten::kernels {

struct QuantizedAttentionHead : AttentionTask {  // q already fake-quantised by the caller
  const PackedRows* k = nullptr;                 // K of few bits, progressive when it has low bits, or null:
  ConstMatrix k_float = {};                      // K as floats
  const PackedRows* v_packed = nullptr;          // V of few bits, or null:
  ConstMatrix v = {};                            // V as floats
  float threshold = 0.1f;                        // theta; recompute when max probability < theta (strict)
  std::uint8_t* lsb_rows = nullptr;              // one per query, 1 when it read the low bits; or null
};

/// Bytes in the counters: for many queries K's high planes once, its low plane once if any row needs it, and the V rows
/// that some query kept; for one query the rows used. V's low bits, if any, are always read.
void attention_head(const QuantizedAttentionHead& head, AttentionScratch& scratch);

}  // namespace spatten::kernels

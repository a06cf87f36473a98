// SPDX-License-Identifier: Apache-2.0
// From a policy's widths to stored rows: K with its high and low planes, V, and Q that only passes through its width.
#pragma once

#include "spatten/algo/policy.h"
#include "spatten/base/matrix.h"
#include "spatten/kernels/packed_rows.h"

namespace spatten {

/// Empty rows of K or V of one head in the policy's widths; the width must not be 0.
kernels::PackedRows packed_key_rows(std::size_t head_dim, const algo::QuantizationPolicy& quantization);
kernels::PackedRows packed_value_rows(std::size_t head_dim, const algo::QuantizationPolicy& quantization);

/// Appends rows (n x head_dim). With Granularity::kTensor the rows of this call share one scale: those of one head of one
/// pass, so a cache filled token by token has a scale per token.
void append_quantized(ConstMatrix rows, algo::Granularity granularity, kernels::PackedRows& out);

/// Q as its width can hold it, in place; 0 bits: unchanged.
void quantize_queries(Matrix q, const algo::QuantizationPolicy& quantization);

}  // namespace spatten

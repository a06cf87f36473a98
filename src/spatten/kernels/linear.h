// SPDX-License-Identifier: Apache-2.0
// y = activation(x W + bias), or y += x W + bias, with the outputs and inputs of pruned heads left out.
//
// Weights in bf16 or int8 meet x rounded to the same (precision.h); bias, sums and y are fp32 always. The calling thread keeps the
// room for the rounded rows, a half or a quarter of its largest x.
//
// A row of y depends on that row of x alone: the same bits whatever rows stand beside it, on any number of threads.
#pragma once

#include <cstdint>
#include <span>

#include "spatten/base/matrix.h"
#include "spatten/base/thread_pool.h"
#include "spatten/kernels/activation.h"
#include "spatten/kernels/gemm.h"
#include "spatten/kernels/packed_matrix.h"
#include "spatten/kernels/range.h"

namespace spatten::kernels {

struct LinearArgs {
  ConstMatrix x = {};                              // rows x in; must not overlap y
  const PackedMatrix* w = nullptr;                 // in x out
  const float* bias = nullptr;                     // out elements, or null
  Matrix y = {};                                   // rows x out
  Activation activation = Activation::kNone;       // must be kNone with accumulate
  bool accumulate = false;                         // y += instead of y =
  std::span<const std::uint32_t> out_panels = {};  // empty: all; else only these panels, the rest of y stays as it is
  std::span<const Range> in_ranges = {};           // empty: all; else only these inputs, ascending and disjoint
};

/// Returns when y is complete. 2 * rows * (inputs used) * (outputs computed) operations.
void linear(const LinearArgs& args, Gemm& gemm, ThreadPool& threads);

}  // namespace spatten::kernels

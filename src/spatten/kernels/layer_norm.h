// SPDX-License-Identifier: Apache-2.0
// Layer normalisation of rows, with the residual addition that precedes it in BERT.
#pragma once

#include "spatten/base/matrix.h"

namespace spatten::kernels {

struct LayerNormArgs {
  ConstMatrix x = {};            // rows x n
  ConstMatrix residual = {};     // rows x n added to x before, or empty (data == null)
  const float* gamma = nullptr;  // n
  const float* beta = nullptr;   // n
  float eps = 1e-5f;             // added to the variance
  Matrix y = {};                 // rows x n; may be x or the residual
};

/// y = (t - mean) / sqrt(variance + eps) * gamma + beta with t = x + residual, for each row, on the calling thread
/// (give a task its rows by rows_from). The variance is that of the population, taken in a second pass.
void layer_norm(const LayerNormArgs& args);

}  // namespace spatten::kernels

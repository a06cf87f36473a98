// SPDX-License-Identifier: Apache-2.0
// Small operations on rows. All run on the calling thread.
#pragma once

#include <span>

#include "spatten/base/matrix.h"

namespace spatten::kernels {

/// Each row becomes its softmax (maximum subtracted). A row whose maximum is -inf or NaN becomes NaN.
void softmax_rows(Matrix m);

/// y += x.
void add(ConstMatrix x, Matrix y);

/// Sum of |x|.
float sum_abs(std::span<const float> x);

/// norms[r] = Euclidean length of row r.
void row_norms(ConstMatrix x, float* norms);

}  // namespace spatten::kernels

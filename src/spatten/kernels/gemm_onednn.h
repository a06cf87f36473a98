// SPDX-License-Identifier: Apache-2.0
// oneDNN's side of Gemm: one matmul per panel on the calling thread.
#pragma once

#include "spatten/base/matrix.h"
#include "spatten/kernels/gemm.h"

namespace spatten::kernels {

/// y += x w. Throws Bug when oneDNN refuses the shape.
void onednn_add_product(Gemm::Primitives& primitives, ConstMatrix x, ConstMatrix w, Matrix y);

}  // namespace spatten::kernels

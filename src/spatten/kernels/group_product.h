// SPDX-License-Identifier: Apache-2.0
// Products of rounded rows with weights in bf16 or int8 (precision.h), panel by panel. With AVX512-BF16 and AVX512-VNNI a group
// is one instruction, unless a target is forced; else it is taken apart in registers.
//
// A row's result depends on that row alone, whatever rows stand beside it: every element is one sum in the order of the groups, cut
// at fixed places, and sums of integers have no rounding. Between instruction sets int8 agrees but for the last multiplication and
// addition, bf16 within fp32 rounding; AVX512-BF16 takes denormals as zeros, whatever the mode (target.h).
#pragma once

#include "spatten/base/matrix.h"
#include "spatten/kernels/packed_matrix.h"
#include "spatten/kernels/rounded_rows.h"

namespace spatten::kernels {

/// y += the rows from first_row on, y.rows of them, times panel `panel` of w; y is panel_width() wide.
void add_group_product(const RoundedRows& x, std::size_t first_row, const PackedMatrix& w, std::size_t panel, Matrix y);

}  // namespace spatten::kernels

// SPDX-License-Identifier: Apache-2.0
// One row of bit planes as floats, at the speed of the CPU.
#pragma once

#include "spatten/kernels/packed_rows.h"

namespace spatten::kernels {

/// Writes the values of `row`; without the low bits these are zeros.
void decode_planes(const PackedRows::Planes& planes, std::size_t row, bool with_lsb, float* out);

}  // namespace spatten::kernels

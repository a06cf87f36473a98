// SPDX-License-Identifier: Apache-2.0
// A dense layer y = x W + b: packed weights and an optional bias. The arithmetic is kernels/linear.
#pragma once

#include <cstdint>
#include <vector>

#include "spatten/kernels/linear.h"
#include "spatten/kernels/packed_matrix.h"

namespace spatten {

struct Linear {
  kernels::PackedMatrix weight;  // in x out
  std::vector<float> bias;       // out values, or empty

  std::size_t in() const { return weight.in(); }
  std::size_t out() const { return weight.out(); }
  const float* bias_or_null() const { return bias.empty() ? nullptr : bias.data(); }
};

/// Operations of `rows` rows through an in x out matrix; a multiply-add is two.
inline std::uint64_t matmul_ops(std::uint64_t rows, std::uint64_t in, std::uint64_t out) { return 2 * rows * in * out; }

}  // namespace spatten

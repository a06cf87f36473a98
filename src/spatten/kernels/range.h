// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace spatten::kernels {

/// Indices begin .. end-1.
struct Range {
  std::size_t begin = 0, end = 0;
};

}  // namespace spatten::kernels

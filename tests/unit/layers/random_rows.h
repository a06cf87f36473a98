// SPDX-License-Identifier: Apache-2.0
// Matrices of random numbers for the tests of this folder.
#pragma once

#include <vector>

#include "spatten/base/matrix.h"
#include "spatten/base/random.h"

namespace spatten {

inline OwnedMatrix<float> random_rows(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  OwnedMatrix<float> out(rows, cols);
  Random random(seed);
  for (std::size_t r = 0; r < rows; ++r) {
    for (float& x : out.view().row_span(r)) x = static_cast<float>(random.normal());
  }
  return out;
}

inline std::vector<float> row_of(ConstMatrix m, std::size_t row) { return {m.row(row), m.row(row) + m.cols}; }

}  // namespace spatten

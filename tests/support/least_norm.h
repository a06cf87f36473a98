// SPDX-License-Identifier: Apache-2.0
// Small systems of linear equations, for tests.
#pragma once

#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <utility>
#include <vector>

namespace spatten {

/// The x of least length with a x = b, for rows of `a` that are independent: a^T y where (a a^T) y = b.
inline std::vector<double> least_norm_solution(const std::vector<std::vector<double>>& a, std::vector<double> b) {
  const std::size_t n = a.size(), columns = a.at(0).size();
  std::vector<std::vector<double>> m(n, std::vector<double>(n));
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      for (std::size_t c = 0; c < columns; ++c) m[i][j] += a[i][c] * a[j][c];
    }
  }
  for (std::size_t k = 0; k < n; ++k) {  // Gauss-Jordan
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(m[i][k]) > std::abs(m[pivot][k])) pivot = i;
    }
    std::swap(m[k], m[pivot]);
    std::swap(b[k], b[pivot]);
    if (m[k][k] == 0) throw std::invalid_argument("dependent rows");
    for (std::size_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double factor = m[i][k] / m[k][k];
      for (std::size_t j = k; j < n; ++j) m[i][j] -= factor * m[k][j];
      b[i] -= factor * b[k];
    }
  }
  std::vector<double> x(columns);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t c = 0; c < columns; ++c) x[c] += a[i][c] * b[i] / m[i][i];
  }
  return x;
}

}  // namespace spatten

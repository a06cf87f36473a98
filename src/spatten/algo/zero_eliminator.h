// SPDX-License-Identifier: Apache-2.0
// Zero eliminator (HPCA'21 IV-C, Fig. 10): packs the non-zero elements to the front, in order, by log2(n) layers of
// shifters. Layer b moves an element left by 2^b when bit b of the number of zeros before it is set.
#pragma once

#include <bit>
#include <cstdint>
#include <span>
#include <vector>

namespace spatten::algo {

template <class T>
struct ZeroElimination {
  std::vector<std::uint32_t> zero_counts;  // per input element: zeros before it
  std::vector<std::vector<T>> stages;      // after each shift layer
  std::vector<T> packed;                   // the last stage (the input when there is no layer)
};

/// Zero is T{}. The result has the input's size; what is not packed is zero.
template <class T>
ZeroElimination<T> eliminate_zeros(std::span<const T> input) {
  const std::size_t n = input.size();
  ZeroElimination<T> out;
  std::uint32_t zeros = 0;
  for (const T& value : input) {
    out.zero_counts.push_back(zeros);
    zeros += value == T{} ? 1u : 0u;
  }
  std::vector<T> values(input.begin(), input.end());
  std::vector<std::uint32_t> counts = out.zero_counts;
  const auto layers = static_cast<std::uint32_t>(n < 2 ? 0 : std::bit_width(n - 1));
  for (std::uint32_t layer = 0; layer < layers; ++layer) {
    const std::size_t shift = std::size_t{1} << layer;
    std::vector<T> next(n, T{});
    std::vector<std::uint32_t> next_counts(n, 0);
    for (std::size_t i = 0; i < n; ++i) {
      if (values[i] == T{}) continue;
      // No two elements meet: between neighbours the count grows by exactly the zeros between them.
      const std::size_t to = (counts[i] & shift) != 0 ? i - shift : i;
      next[to] = values[i];
      next_counts[to] = counts[i];
    }
    values = std::move(next);
    counts = std::move(next_counts);
    out.stages.push_back(values);
  }
  out.packed = std::move(values);
  return out;
}

}  // namespace spatten::algo

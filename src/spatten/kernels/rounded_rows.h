// SPDX-License-Identifier: Apache-2.0
// Rows of x rounded to bf16 or int8, in the groups of the weights that they meet (precision.h), once for all panels. How a row is
// rounded depends on that row alone.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spatten/base/matrix.h"
#include "spatten/base/thread_pool.h"
#include "spatten/kernels/precision.h"
#include "spatten/kernels/range.h"

namespace spatten::kernels {

/// Keeps its memory from one use to the next.
class RoundedRows {
 public:
  static constexpr std::int32_t kBias = 128;

  /// Rounds the inputs in `ranges` (ascending, disjoint; empty: all); others are zero and not read. precision: not fp32. A
  /// row that holds a NaN or an infinity is a row of NaN with int8.
  void round(ConstMatrix x, Precision precision, std::span<const Range> ranges, ThreadPool& threads);

  /// The groups of row r, stride() words before those of the next.
  const std::uint32_t* row(std::size_t r) const { return words_.data() + r * stride_; }
  std::size_t stride() const { return stride_; }
  /// int8: what a level of row r is worth.
  const float* scales() const { return scales_.data(); }
  /// The groups with inputs that count, ascending and disjoint.
  std::span<const Range> spans() const { return spans_; }
  bool all_groups() const { return all_groups_; }
  /// int8: levels are stored as level + kBias: AVX512-VNNI multiplies unsigned by signed bytes.
  bool biased() const { return biased_; }

 private:
  std::size_t rows_ = 0, stride_ = 0;
  bool all_groups_ = true, biased_ = false;
  std::vector<Range> spans_;
  Buffer<std::uint32_t> words_;
  Buffer<float> scales_;
};

}  // namespace spatten::kernels

// SPDX-License-Identifier: Apache-2.0
// Products with weights in bf16 or int8 (precision.h): rows of x are rounded once, to the same groups as the weights, and
// multiplied panel by panel. With AVX512-BF16 and AVX512-VNNI a group is one instruction, unless a target is forced; else it is
// taken apart in registers.
//
// A row's result depends on that row alone, whatever rows stand beside it: its rounding does, every element is one sum in the
// order of the groups, and integers have no rounding. Between instruction sets int8 agrees but for the last multiplication and
// addition, bf16 within fp32 rounding.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spatten/base/matrix.h"
#include "spatten/base/thread_pool.h"
#include "spatten/kernels/packed_matrix.h"
#include "spatten/kernels/range.h"

namespace spatten::kernels {

/// Rows of x as a product with weights of one precision takes them. Keeps its memory from one use to the next.
class RoundedRows {
 public:
  /// Rounds the inputs in `ranges` (ascending, disjoint; empty: all); others are zero and not read. precision: not fp32. A
  /// row that holds a NaN or an infinity is a row of NaN with int8.
  void round(ConstMatrix x, Precision precision, std::span<const Range> ranges, ThreadPool& threads);

  std::size_t rows() const { return rows_; }
  const std::uint32_t* row(std::size_t r) const { return words_.data() + r * stride_; }
  std::size_t stride() const { return stride_; }
  /// int8: what a level of row r is worth.
  const float* scales() const { return scales_.data(); }
  /// The groups with inputs that count, ascending and disjoint.
  std::span<const Range> spans() const { return spans_; }
  bool all_groups() const { return all_groups_; }
  /// int8: levels are stored as level + 128, as AVX512-VNNI wants one side.
  bool biased() const { return biased_; }

 private:
  std::size_t rows_ = 0, stride_ = 0;
  bool all_groups_ = true, biased_ = false;
  std::vector<Range> spans_;
  Buffer<std::uint32_t> words_;
  Buffer<float> scales_;
};

/// y += the rows from first_row on, y.rows of them, times panel `panel` of w; y is panel_width() wide.
void add_group_product(const RoundedRows& x, std::size_t first_row, const PackedMatrix& w, std::size_t panel, Matrix y);

}  // namespace spatten::kernels

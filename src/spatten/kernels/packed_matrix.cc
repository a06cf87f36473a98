// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/packed_matrix.h"

#include <algorithm>

namespace spatten::kernels {
namespace {

// A block of 16 x 16 floats is 16 cache lines on both sides: each is fetched once and used whole.
constexpr std::size_t kBlock = 16;

void transpose(const float* from, std::size_t from_stride, std::size_t rows, std::size_t cols, float* to,
               std::size_t to_stride) {
  for (std::size_t c = 0; c < cols; ++c) {
    for (std::size_t r = 0; r < rows; ++r) to[c * to_stride + r] = from[r * from_stride + c];
  }
}

}  // namespace

PackedMatrix::PackedMatrix(std::size_t in, std::size_t out, std::size_t panel_width)
    : in_(in), out_(out), width_(panel_width), panels_((out + panel_width - 1) / panel_width) {
  SPATTEN_CHECK(panel_width > 0 && panel_width % 16 == 0 && panel_width <= kMaxPanelWidth);
  buffer_.reserve(panels_ * in_ * width_);
  const std::size_t used = out_ % width_;
  if (used == 0) return;
  float* last = buffer_.data() + (panels_ - 1) * in_ * width_;
  for (std::size_t i = 0; i < in_; ++i) std::fill(last + i * width_ + used, last + (i + 1) * width_, 0.0f);
}

void PackedMatrix::put_out_in(std::size_t first_out, ConstMatrix rows) {
  SPATTEN_CHECK(rows.cols == in_ && first_out <= out_ && rows.rows <= out_ - first_out);
  for (std::size_t r = 0; r < rows.rows;) {
    const std::size_t out = first_out + r, column = out % width_;
    const std::size_t count = std::min({kBlock, rows.rows - r, width_ - column});
    float* to = buffer_.data() + out / width_ * in_ * width_ + column;
    for (std::size_t i = 0; i < in_; i += kBlock) {
      transpose(rows.row(r) + i, rows.stride, count, std::min(kBlock, in_ - i), to + i * width_, width_);
    }
    r += count;
  }
}

void PackedMatrix::put_in_out(std::size_t first_in, ConstMatrix rows) {
  SPATTEN_CHECK(rows.cols == out_ && first_in <= in_ && rows.rows <= in_ - first_in);
  for (std::size_t p = 0; p < panels_; ++p) {
    const std::size_t first = p * width_, count = std::min(width_, out_ - first);
    float* to = buffer_.data() + (p * in_ + first_in) * width_;
    for (std::size_t r = 0; r < rows.rows; ++r) std::copy_n(rows.row(r) + first, count, to + r * width_);
  }
}

void PackedMatrix::copy_column(std::size_t out, float* dst) const {
  const float* from = panel(out / width_) + out % width_;
  for (std::size_t i = 0; i < in_; ++i) dst[i] = from[i * width_];
}

}  // namespace spatten::kernels

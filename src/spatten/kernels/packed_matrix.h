// SPDX-License-Identifier: Apache-2.0
// The weights W (in x out) of a linear layer, kept once and in one layout for three uses: GEMM, the one-row product of
// decoding, and the look-up of a column (token embedding tied to the LM head).
//
// Layout: panels of `panel_width` neighbouring outputs, [panel][in][panel_width], each row of a panel 64-byte aligned
// when the width is a multiple of 16, columns past `out` zero. A panel is what the micro-kernel (micro_kernel-inl.h)
// streams: contiguous, so that one row runs at the speed of memory, and small enough for L2. When the width equals the
// size of an attention head, a head's outputs are a panel and a pruned head is a panel that is skipped.
#pragma once

#include <cstddef>

#include "spatten/base/matrix.h"

namespace spatten::kernels {

class PackedMatrix {
 public:
  static constexpr std::size_t kDefaultPanelWidth = 64, kMaxPanelWidth = 128;

  PackedMatrix() = default;
  /// Uninitialised but for the padding: every element must be put. panel_width: a multiple of 16 up to 128.
  PackedMatrix(std::size_t in, std::size_t out, std::size_t panel_width = kDefaultPanelWidth);

  std::size_t in() const { return in_; }
  std::size_t out() const { return out_; }
  std::size_t panel_width() const { return width_; }
  std::size_t panels() const { return panels_; }
  std::size_t bytes() const { return buffer_.size() * sizeof(float); }

  /// Rows of a weight stored [out, in] (torch Linear): row r becomes output first_out + r. rows.cols == in().
  /// Threads may put disjoint strips at the same time.
  void put_out_in(std::size_t first_out, ConstMatrix rows);
  /// Rows of a weight stored [in, out] (GPT-2's Conv1D): row r becomes input first_in + r. rows.cols == out().
  void put_in_out(std::size_t first_in, ConstMatrix rows);

  float at(std::size_t in, std::size_t out) const { return panel(out / width_)[in * width_ + out % width_]; }
  /// Writes the in() weights of one output to dst.
  void copy_column(std::size_t out, float* dst) const;

  /// in() rows of panel_width() floats.
  const float* panel(std::size_t p) const { return buffer_.data() + p * in_ * width_; }

 private:
  std::size_t in_ = 0, out_ = 0, width_ = kDefaultPanelWidth, panels_ = 0;
  Buffer<float> buffer_;
};

}  // namespace spatten::kernels

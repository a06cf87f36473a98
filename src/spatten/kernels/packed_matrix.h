// SPDX-License-Identifier: Apache-2.0
// The weights W (in x out) of a linear layer, kept once, at one precision and in one layout for three uses: GEMM, the
// one-row product of decoding, and the look-up of a column (token embedding tied to the LM head).
//
// Layout: panels of `panel_width` neighbouring outputs, [panel][group][panel_width][input of the group], a group being the 1, 2
// or 4 neighbouring inputs that fill 32 bits (precision.h); each row of a panel is 64-byte aligned when the width is a
// multiple of 16, columns past `out` and inputs past `in` zero. A panel is what the micro-kernels (micro_kernel-inl.h,
// group_tile-inl.h) stream: contiguous, so that one row runs at the speed of memory, and small enough for L2. When the width
// equals the size of an attention head, a head's outputs are a panel and a pruned head is a panel that is skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "spatten/base/matrix.h"
#include "spatten/kernels/precision.h"

namespace spatten::kernels {

class PackedMatrix {
 public:
  static constexpr std::size_t kDefaultPanelWidth = 64, kMaxPanelWidth = 128;
  /// Longer sums of int8 products could leave 32 bits.
  static constexpr std::size_t kMaxInt8Inputs = std::size_t{1} << 17;

  PackedMatrix() = default;
  /// Uninitialised but for the padding: every element must be put, once. panel_width: a multiple of 16 up to 128.
  PackedMatrix(std::size_t in, std::size_t out, std::size_t panel_width = kDefaultPanelWidth,
               Precision precision = Precision::kFp32);

  std::size_t in() const { return in_; }
  std::size_t out() const { return out_; }
  std::size_t panel_width() const { return width_; }
  std::size_t panels() const { return panels_; }
  Precision precision() const { return precision_; }
  /// Groups of inputs, the last one perhaps padded.
  std::size_t groups() const { return groups_; }
  std::size_t bytes() const { return words_.size() * kGroupBytes + (scales_.size() + sums_.size()) * 4; }

  /// Rows of a weight stored [out, in] (torch Linear): row r becomes output first_out + r. rows.cols == in().
  /// Threads may put disjoint strips at the same time.
  void put_out_in(std::size_t first_out, ConstMatrix rows);
  /// Rows of a weight stored [in, out] (GPT-2's Conv1D): row r becomes input first_in + r. rows.cols == out(). With int8
  /// measure_in_out() must have seen all rows before, and strips come one after the other.
  void put_in_out(std::size_t first_in, ConstMatrix rows);
  /// int8: lets the scales of the outputs cover these rows of a weight stored [in, out].
  void measure_in_out(ConstMatrix rows);

  /// As stored: rounded to the precision.
  float at(std::size_t in, std::size_t out) const;
  /// Writes the in() weights of one output to dst, as stored.
  void copy_column(std::size_t out, float* dst) const;

  /// fp32: in() rows of panel_width() floats.
  const float* panel(std::size_t p) const { return elements<float>() + p * in_ * width_; }
  /// groups() rows of panel_width() groups.
  const std::uint32_t* group_panel(std::size_t p) const { return words_.data() + p * groups_ * width_; }
  /// int8, per output and those past out(): what a stored 1 is worth, and the sum of what is stored.
  const float* scales() const { return scales_.data(); }
  const std::int32_t* sums() const { return sums_.data(); }

 private:
  template <class T>
  T* elements() { return reinterpret_cast<T*>(words_.data()); }
  template <class T>
  const T* elements() const { return reinterpret_cast<const T*>(words_.data()); }
  std::size_t index(std::size_t in, std::size_t out) const;
  template <class T, class Source = float, class Encode>
  void put_strip_out_in(std::size_t first_out, MatrixView<const Source> rows, const Encode& encode);
  template <class T, class Source = float, class Encode>
  void put_strip_in_out(std::size_t first_in, MatrixView<const Source> rows, const Encode& encode);
  template <class T, class Decode>
  void decode_column(std::size_t out, float* dst, const Decode& decode) const;

  std::size_t in_ = 0, out_ = 0, width_ = kDefaultPanelWidth, panels_ = 0, groups_ = 0;
  Precision precision_ = Precision::kFp32;
  Buffer<std::uint32_t> words_;
  std::vector<float> scales_;       // int8, panels x width
  std::vector<std::int32_t> sums_;
};

}  // namespace spatten::kernels

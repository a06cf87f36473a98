// SPDX-License-Identifier: Apache-2.0
// Rows of D signed integers of few bits: the K or V of one head as DRAM would hold it (HPCA'21 III-D, IV-D).
//
// The high part of a value (`msb_bits`) and the four low bits of progressive quantization lie in separate planes, so
// that low bits which nobody asks for are not read. A plane is 8, 4 or 2 bits wide; 4 = {4}, 6 = {4,2}, 8 = {8},
// 10 = {8,2}, 12 = {8,4}; other widths are stored at the next of these. In a plane, 16 neighbouring values take 2 x
// width bytes: byte i of a group holds the values i, i + 2 width, i + 4 width ... from its low bits up, so that a shift
// and a mask give back 16 values in order.
//
// A value is integer * scale(row). Without the low bits the integer is that of the high part with zeros below
// (arithmetic truncation), at the same scale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "spatten/base/matrix.h"

namespace spatten::kernels {

class PackedRows {
 public:
  static constexpr int kLsbBits = 4;
  static constexpr std::size_t kMaxPlanes = 3;

  PackedRows() = default;
  /// cols: a multiple of 16. msb_bits: 4..12; with low bits one of 4, 6, 8, 10, 12 and the integer has msb_bits + 4.
  PackedRows(std::size_t cols, int msb_bits, bool has_lsb);

  std::size_t rows() const { return scales_.size(); }
  std::size_t cols() const { return cols_; }
  int msb_bits() const { return msb_bits_; }
  bool has_lsb() const { return has_lsb_; }
  /// Bits of the whole integer.
  int bits() const { return msb_bits_ + (has_lsb_ ? kLsbBits : 0); }

  /// Bytes of a row in the planes, row scale excluded.
  std::size_t msb_bytes_per_row() const;
  std::size_t lsb_bytes_per_row() const;
  /// Memory held, scales included.
  std::size_t memory_bytes() const;

  /// Quantises `row` (cols() values) linearly and symmetrically, round to nearest even: the scale is
  /// max|x| / (2^(bits-1) - 1), or the one given (values beyond its range are clamped).
  void append_row(const float* row);
  void append_row(const float* row, float scale);
  /// Row dst becomes a copy of row src.
  void move_row(std::size_t dst, std::size_t src);
  /// Forgets the rows from `count` on; the memory stays.
  void truncate(std::size_t count);
  void reserve(std::size_t rows);
  /// Gives back memory that no row uses.
  void shrink();

  float scale(std::size_t row) const { return scales_[row]; }
  /// The integer of one value: whole, or only its high part moved into place.
  std::int32_t integer(std::size_t row, std::size_t col, bool with_lsb) const;
  /// Writes the cols() values of a row as floats.
  void decode_row(std::size_t row, bool with_lsb, float* out) const;

  /// What the kernels read. Planes from the most significant down; the last one of a row with low bits is the LSB plane.
  struct Planes {
    const std::uint8_t* data[kMaxPlanes] = {};
    std::uint32_t width[kMaxPlanes] = {};  // bits
    std::uint32_t msb_count = 0, count = 0;
    std::size_t cols = 0;
    const float* scales = nullptr;
  };
  Planes planes() const;

 private:
  struct Plane {
    std::uint32_t width = 0;  // bits
    std::vector<std::uint8_t> bytes;
  };
  std::size_t plane_row_bytes(const Plane& plane) const { return cols_ * plane.width / 8; }

  std::size_t cols_ = 0;
  int msb_bits_ = 8;
  bool has_lsb_ = false;
  std::vector<Plane> planes_;
  std::vector<float> scales_;
};

/// Quantises and dequantises x[0..n) in place: round(x / s) * s with s = max|x| / (2^(bits-1) - 1), bits 2..16.
void fake_quantise_row(float* x, std::size_t n, int bits);

}  // namespace spatten::kernels

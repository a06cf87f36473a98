// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/packed_rows.h"

#include <cstring>

#include "spatten/kernels/decode.h"
#include "spatten/kernels/rounding.h"
#include "spatten/kernels/target.h"

namespace spatten::kernels {
namespace {

constexpr std::size_t kGroup = 16;  // values that share 2 * width bytes of a plane

/// Spreads the lowest `width` bits of 16 values over 2 * width bytes.
void put_group(const std::uint32_t* values, std::uint32_t width, std::uint8_t* bytes) {
  const std::uint32_t stride = 2 * width;
  for (std::uint32_t i = 0; i < stride; ++i) {
    std::uint32_t byte = 0;
    for (std::uint32_t v = i, shift = 0; v < kGroup; v += stride, shift += width) byte |= values[v] << shift;
    bytes[i] = static_cast<std::uint8_t>(byte);
  }
}

std::uint32_t get_value(const std::uint8_t* row, std::uint32_t width, std::size_t col) {
  const std::size_t stride = 2 * width, in_group = col % kGroup;
  const std::uint8_t byte = row[col / kGroup * stride + in_group % stride];
  return (byte >> (in_group / stride * width)) & ((1u << width) - 1);
}

}  // namespace

PackedRows::PackedRows(std::size_t cols, int msb_bits, bool has_lsb)
    : cols_(cols), msb_bits_(msb_bits), has_lsb_(has_lsb) {
  SPATTEN_CHECK(cols > 0 && cols % kGroup == 0 && msb_bits >= 4 && msb_bits <= 12);
  SPATTEN_CHECK(!has_lsb || msb_bits % 2 == 0);
  const auto add = [&](std::uint32_t width) { planes_.push_back({width, {}}); };
  const int stored = msb_bits <= 4 ? 4 : (msb_bits + 1) / 2 * 2;
  add(stored >= 8 ? 8 : 4);
  if (stored == 6 || stored == 10) add(2);
  if (stored == 12) add(4);
  if (has_lsb) add(kLsbBits);
}

std::size_t PackedRows::msb_bytes_per_row() const {
  std::size_t bytes = 0;
  for (const Plane& plane : planes_) bytes += plane_row_bytes(plane);
  return bytes - lsb_bytes_per_row();
}

std::size_t PackedRows::lsb_bytes_per_row() const { return has_lsb_ ? cols_ * kLsbBits / 8 : 0; }

std::size_t PackedRows::memory_bytes() const {
  std::size_t bytes = scales_.capacity() * sizeof(float);
  for (const Plane& plane : planes_) bytes += plane.bytes.capacity();
  return bytes;
}

void PackedRows::append_row(const float* row) {
  const FloatMode mode;
  append_row(row, symmetric_scale(largest_magnitude(row, cols_), bits()));
}

void PackedRows::append_row(const float* row, float scale) {
  const FloatMode mode;
  SPATTEN_CHECK(scale > 0);
  const float limit = largest_level(bits());
  const std::size_t index = rows();
  for (Plane& plane : planes_) plane.bytes.resize((index + 1) * plane_row_bytes(plane));
  scales_.push_back(scale);
  for (std::size_t c = 0; c < cols_; c += kGroup) {
    float levels[kGroup];
    for (std::size_t i = 0; i < kGroup; ++i) levels[i] = level(row[c + i], scale, limit);
    std::uint32_t below = 0;  // bits that lie in planes after this one
    for (std::size_t p = planes_.size(); p-- > 0;) {
      Plane& plane = planes_[p];
      std::uint32_t field[kGroup];
      for (std::size_t i = 0; i < kGroup; ++i) {
        field[i] = (static_cast<std::uint32_t>(static_cast<std::int32_t>(levels[i])) >> below) & ((1u << plane.width) - 1);
      }
      put_group(field, plane.width, plane.bytes.data() + index * plane_row_bytes(plane) + c / kGroup * 2 * plane.width);
      below += plane.width;
    }
  }
}

void PackedRows::move_row(std::size_t dst, std::size_t src) {
  SPATTEN_CHECK(dst < rows() && src < rows());
  if (dst == src) return;
  for (Plane& plane : planes_) {
    const std::size_t bytes = plane_row_bytes(plane);
    std::memcpy(plane.bytes.data() + dst * bytes, plane.bytes.data() + src * bytes, bytes);
  }
  scales_[dst] = scales_[src];
}

void PackedRows::truncate(std::size_t count) {
  SPATTEN_CHECK(count <= rows());
  for (Plane& plane : planes_) plane.bytes.resize(count * plane_row_bytes(plane));
  scales_.resize(count);
}

void PackedRows::reserve(std::size_t count) {
  for (Plane& plane : planes_) plane.bytes.reserve(count * plane_row_bytes(plane));
  scales_.reserve(count);
}

void PackedRows::shrink() {
  for (Plane& plane : planes_) plane.bytes.shrink_to_fit();
  scales_.shrink_to_fit();
}

std::int32_t PackedRows::integer(std::size_t row, std::size_t col, bool with_lsb) const {
  SPATTEN_CHECK(row < rows() && col < cols_);
  std::uint32_t value = 0;
  int width = 0;
  for (std::size_t p = 0; p < planes_.size(); ++p) {
    const Plane& plane = planes_[p];
    const bool skipped = has_lsb_ && !with_lsb && p + 1 == planes_.size();
    const std::uint32_t field =
        skipped ? 0 : get_value(plane.bytes.data() + row * plane_row_bytes(plane), plane.width, col);
    value = (value << plane.width) | field;
    width += static_cast<int>(plane.width);
  }
  return static_cast<std::int32_t>(value << (32 - width)) >> (32 - width);
}

void PackedRows::decode_row(std::size_t row, bool with_lsb, float* out) const {
  SPATTEN_CHECK(row < rows());
  decode_planes(planes(), row, with_lsb, out);
}

PackedRows::Planes PackedRows::planes() const {
  Planes result;
  for (const Plane& plane : planes_) {
    result.data[result.count] = plane.bytes.data();
    result.width[result.count++] = plane.width;
  }
  result.msb_count = result.count - (has_lsb_ ? 1 : 0);
  result.cols = cols_;
  result.scales = scales_.data();
  return result;
}

void fake_quantise_row(float* x, std::size_t n, int bits) {
  SPATTEN_CHECK(bits >= 2 && bits <= 16);
  const FloatMode mode;
  const float scale = symmetric_scale(largest_magnitude(x, n), bits), limit = largest_level(bits);
  for (std::size_t i = 0; i < n; ++i) x[i] = level(x[i], scale, limit) * scale;
}

}  // namespace spatten::kernels

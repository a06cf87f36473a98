// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/packed_matrix.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "spatten/kernels/rounding.h"
#include "spatten/kernels/target.h"

namespace spatten::kernels {
namespace {

// A block of 16 x 16 floats is 16 cache lines on both sides: each is fetched once and used whole.
constexpr std::size_t kBlock = 16;
constexpr int kBits = 8;

/// Elements of type T in a group.
template <class T>
constexpr std::size_t kPerGroup = kGroupBytes / sizeof(T);

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// Rows of outputs to rows of groups. `from` begins at a whole group.
template <class T, class Source, class Encode>
void transpose(MatrixView<Source> from, T* to, std::size_t to_stride, const Encode& encode) {
  constexpr std::size_t kStep = kPerGroup<T>;
  for (std::size_t c = 0; c < from.cols; ++c) {
    T* group = to + c / kStep * to_stride + c % kStep;
    for (std::size_t r = 0; r < from.rows; ++r) group[r * kStep] = encode(from.row(r)[c]);
  }
}

// Lambdas, which are inlined where a function would be called for each value.
constexpr auto kAsIs = [](auto x) { return x; };
constexpr auto kAsBf16 = [](float x) { return to_bf16(x); };

/// The stored integer. A loop of this vectorises.
std::int8_t as_int8(float x, float scale) { return static_cast<std::int8_t>(level(x, scale, largest_level(kBits))); }

}  // namespace

PackedMatrix::PackedMatrix(std::size_t in, std::size_t out, std::size_t panel_width, Precision precision)
    : in_(in),
      out_(out),
      width_(panel_width),
      panels_(divide_up(out, panel_width)),
      groups_(divide_up(in, group_inputs(precision))),
      precision_(precision) {
  SPATTEN_CHECK(panel_width > 0 && panel_width % 16 == 0 && panel_width <= kMaxPanelWidth);
  words_.reserve(panels_ * groups_ * width_);
  if (precision == Precision::kInt8) {
    SPATTEN_CHECK(in <= kMaxInt8Inputs);
    scales_.assign(panels_ * width_, 0.0f);
    sums_.assign(panels_ * width_, 0);
  }
  const auto zero = [this](std::size_t panel, std::size_t group, std::size_t first) {
    std::uint32_t* row = words_.data() + (panel * groups_ + group) * width_;
    std::memset(row + first, 0, (width_ - first) * kGroupBytes);
  };
  if (out_ % width_ != 0) {
    for (std::size_t g = 0; g < groups_; ++g) zero(panels_ - 1, g, out_ % width_);
  }
  if (in_ % group_inputs(precision) != 0) {
    for (std::size_t p = 0; p < panels_; ++p) zero(p, groups_ - 1, 0);
  }
}

template <class T, class Source, class Encode>
void PackedMatrix::put_strip_out_in(std::size_t first_out, MatrixView<const Source> rows, const Encode& encode) {
  for (std::size_t r = 0; r < rows.rows;) {
    const std::size_t out = first_out + r, column = out % width_;
    const std::size_t count = std::min({kBlock, rows.rows - r, width_ - column});
    for (std::size_t i = 0; i < in_; i += kBlock) {
      const auto block = rows.rows_from(r, count).cols_from(i, std::min(kBlock, in_ - i));
      transpose(block, elements<T>() + index(i, out), width_ * kPerGroup<T>, encode);
    }
    r += count;
  }
}

template <class T, class Source, class Encode>
void PackedMatrix::put_strip_in_out(std::size_t first_in, MatrixView<const Source> rows, const Encode& encode) {
  for (std::size_t p = 0; p < panels_; ++p) {
    const std::size_t first = p * width_, count = std::min(width_, out_ - first);
    for (std::size_t r = 0; r < rows.rows; ++r) {
      T* to = elements<T>() + index(first_in + r, first);
      const Source* from = rows.row(r) + first;
      for (std::size_t c = 0; c < count; ++c) to[c * kPerGroup<T>] = encode(from[c]);
    }
  }
}

void PackedMatrix::put_out_in(std::size_t first_out, ConstMatrix rows) {
  SPATTEN_CHECK(rows.cols == in_ && first_out <= out_ && rows.rows <= out_ - first_out);
  const FloatMode mode;
  switch (precision_) {
    case Precision::kFp32: return put_strip_out_in<float>(first_out, rows, kAsIs);
    case Precision::kBf16: return put_strip_out_in<std::uint16_t>(first_out, rows, kAsBf16);
    case Precision::kInt8: break;
  }
  OwnedMatrix<std::int8_t> rounded(std::min(rows.rows, kBlock), in_);
  for (std::size_t r = 0; r < rows.rows; r += kBlock) {
    const std::size_t count = std::min(kBlock, rows.rows - r);
    for (std::size_t k = 0; k < count; ++k) {
      const float* from = rows.row(r + k);
      const float scale = symmetric_scale(largest_magnitude(from, in_), kBits);
      std::int8_t* to = rounded.row(k);
      for (std::size_t i = 0; i < in_; ++i) to[i] = as_int8(from[i], scale);
      scales_[first_out + r + k] = scale;
      sums_[first_out + r + k] = std::accumulate(to, to + in_, 0);
    }
    put_strip_out_in<std::int8_t, std::int8_t>(first_out + r, {rounded.data(), count, in_}, kAsIs);
  }
}

void PackedMatrix::put_in_out(std::size_t first_in, ConstMatrix rows) {
  SPATTEN_CHECK(rows.cols == out_ && first_in <= in_ && rows.rows <= in_ - first_in);
  const FloatMode mode;
  switch (precision_) {
    case Precision::kFp32: return put_strip_in_out<float>(first_in, rows, kAsIs);
    case Precision::kBf16: return put_strip_in_out<std::uint16_t>(first_in, rows, kAsBf16);
    case Precision::kInt8: break;
  }
  OwnedMatrix<std::int8_t> rounded(rows.rows, out_);
  for (std::size_t r = 0; r < rows.rows; ++r) {
    const float* from = rows.row(r);
    std::int8_t* to = rounded.row(r);
    for (std::size_t o = 0; o < out_; ++o) to[o] = as_int8(from[o], scales_[o]);
    for (std::size_t o = 0; o < out_; ++o) sums_[o] += to[o];
  }
  put_strip_in_out<std::int8_t, std::int8_t>(first_in, rounded.view(), kAsIs);
}

void PackedMatrix::measure_in_out(ConstMatrix rows) {
  SPATTEN_CHECK(precision_ == Precision::kInt8 && rows.cols == out_);
  const FloatMode mode;
  for (std::size_t r = 0; r < rows.rows; ++r) {
    const float* row = rows.row(r);
    for (std::size_t o = 0; o < out_; ++o) scales_[o] = std::max(scales_[o], symmetric_scale(std::fabs(row[o]), kBits));
  }
}

std::size_t PackedMatrix::index(std::size_t in, std::size_t out) const {
  const std::size_t step = group_inputs(precision_);
  return (out / width_ * groups_ + in / step) * width_ * step + out % width_ * step + in % step;
}

float PackedMatrix::at(std::size_t in, std::size_t out) const {
  const std::size_t i = index(in, out);
  switch (precision_) {
    case Precision::kFp32: return elements<float>()[i];
    case Precision::kBf16: return from_bf16(elements<std::uint16_t>()[i]);
    case Precision::kInt8: break;
  }
  return static_cast<float>(elements<std::int8_t>()[i]) * scales_[out];
}

template <class T, class Decode>
void PackedMatrix::decode_column(std::size_t out, float* dst, const Decode& decode) const {
  const T* from = elements<T>() + index(0, out);
  constexpr std::size_t kStep = kPerGroup<T>;
  for (std::size_t i = 0; i < in_; ++i) dst[i] = decode(from[i / kStep * width_ * kStep + i % kStep]);
}

void PackedMatrix::copy_column(std::size_t out, float* dst) const {
  switch (precision_) {
    case Precision::kFp32: return decode_column<float>(out, dst, [](float x) { return x; });
    case Precision::kBf16: return decode_column<std::uint16_t>(out, dst, [](std::uint16_t x) { return from_bf16(x); });
    case Precision::kInt8: break;
  }
  decode_column<std::int8_t>(out, dst, [scale = scales_[out]](std::int8_t x) { return static_cast<float>(x) * scale; });
}

}  // namespace spatten::kernels

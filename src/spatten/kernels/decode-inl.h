// SPDX-License-Identifier: Apache-2.0
// Rows of K and V as floats: passed through, or rebuilt from the bit planes of packed_rows.h. Once per Highway target.
#if defined(SPATTEN_KERNELS_DECODE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPATTEN_KERNELS_DECODE_INL_H_
#undef SPATTEN_KERNELS_DECODE_INL_H_
#else
#define SPATTEN_KERNELS_DECODE_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// 16 fields of `width` bits (4 or 2), in order, one per byte.
HWY_INLINE void unpack_group(const std::uint8_t* from, std::uint32_t width, std::uint8_t* HWY_RESTRICT to) {
#if HWY_TARGET == HWY_SCALAR
  const std::uint32_t stride = 2 * width, mask = (1u << width) - 1;
  for (std::uint32_t i = 0; i < 16; ++i) to[i] = static_cast<std::uint8_t>((from[i % stride] >> (i / stride * width)) & mask);
#else
  const hn::Full128<std::uint8_t> d8;
  const hn::Full128<std::uint64_t> d64;
  if (width == 4) {
    std::uint64_t bits;
    __builtin_memcpy(&bits, from, sizeof bits);
    const auto v = hn::Set(d64, bits), mask = hn::Set(d64, 0x0F0F0F0F0F0F0F0Full);
    hn::Store(hn::BitCast(d8, hn::InterleaveLower(d64, hn::And(v, mask), hn::And(hn::ShiftRight<4>(v), mask))), d8, to);
    return;
  }
  const hn::Full128<std::uint32_t> d32;
  std::uint32_t bits;
  __builtin_memcpy(&bits, from, sizeof bits);
  const auto v = hn::Set(d32, bits), mask = hn::Set(d32, 0x03030303u);
  const auto low = hn::InterleaveLower(d32, hn::And(v, mask), hn::And(hn::ShiftRight<2>(v), mask));
  const auto high =
      hn::InterleaveLower(d32, hn::And(hn::ShiftRight<4>(v), mask), hn::And(hn::ShiftRight<6>(v), mask));
  hn::Store(hn::BitCast(d8, hn::InterleaveLower(d64, hn::BitCast(d64, low), hn::BitCast(d64, high))), d8, to);
#endif
}

/// 16 values of the planes 0 .. kPlanes-1 from column c on, `missing` zero bits below them.
template <std::uint32_t kPlanes>
HWY_INLINE void decode_group(const PackedRows::Planes& planes, std::size_t row, std::size_t c, std::uint32_t missing,
                             float* HWY_RESTRICT out) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::Rebind<std::uint8_t, decltype(d)> d8;
  constexpr std::size_t kN = hn::MaxLanes(hn::ScalableTag<float>());
  alignas(16) std::uint8_t unpacked[kPlanes][16];
  const std::uint8_t* fields[kPlanes];  // one byte each; 8-bit planes are read where they lie
  for (std::uint32_t p = 0; p < kPlanes; ++p) {
    fields[p] = planes.data[p] + (row * planes.cols + c) / 8 * planes.width[p];
    if (planes.width[p] == 8) continue;
    unpack_group(fields[p], planes.width[p], unpacked[p]);
    fields[p] = unpacked[p];
  }
  const auto sign = hn::Set(di, 1 << (planes.width[0] - 1)), scale = hn::Set(di, 1 << missing);
  const auto row_scale = hn::Set(d, planes.scales[row]);
  for (std::size_t i = 0; i < 16; i += kN) {
    auto v = hn::PromoteTo(di, hn::LoadU(d8, fields[0] + i));
    v = hn::Sub(hn::Xor(v, sign), sign);  // the top field is signed
    for (std::uint32_t p = 1; p < kPlanes; ++p) {
      const auto low = hn::PromoteTo(di, hn::LoadU(d8, fields[p] + i));
      v = hn::Or(hn::ShiftLeftSame(v, static_cast<int>(planes.width[p])), low);
    }
    // Integers below 2^16 are exact floats, and so are they times a power of two.
    hn::StoreU(hn::Mul(hn::Mul(hn::ConvertTo(d, v), hn::ConvertTo(d, scale)), row_scale), d, out + i);
  }
}

HWY_INLINE void decode_row(const PackedRows::Planes& planes, std::size_t row, bool with_lsb, float* HWY_RESTRICT out) {
  const std::uint32_t used = with_lsb ? planes.count : planes.msb_count;
  const std::uint32_t missing = used < planes.count ? planes.width[planes.count - 1] : 0;
  for (std::size_t c = 0; c < planes.cols; c += 16) {
    if (used == 1) {
      decode_group<1>(planes, row, c, missing, out + c);
    } else if (used == 2) {
      decode_group<2>(planes, row, c, missing, out + c);
    } else {
      decode_group<3>(planes, row, c, missing, out + c);
    }
  }
}

/// Row j of the source: in place, or decoded into `buffer`.
HWY_INLINE const float* fetch_row(const RowSource& source, std::size_t j, bool with_lsb, float* buffer) {
  const std::size_t row = source.order == nullptr ? j : source.order[j];
  if (source.data != nullptr) return source.data + row * source.stride;
  decode_row(source.planes, row, with_lsb, buffer);
  return buffer;
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard

// SPDX-License-Identifier: Apache-2.0
// Numbers of the chip's datapath (HPCA'21 III-D, IV-D..G): whatever leaves DRAM is widened to signed 12-bit integers, and
// probabilities are unsigned 12-bit fractions. Integers only, so the same bits on every machine; what the paper leaves
// open (roundings, saturation, scales) is listed in docs/deviations.md.
//
//   stored level of b bits --align12()--> 12 bits:  b < 12 is shifted up (zeros below), b > 12 loses its lowest bits.
//
// A value is integer * scale. Aligning multiplies the integer by a power of two and the scale by its inverse.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spatten/algo/policy.h"
#include "spatten/base/matrix.h"

namespace spatten::algo {

inline constexpr std::uint32_t kChipBits = 12;
/// The widest head of the reconfigurable adder trees (HPCA'21 IV-E).
inline constexpr std::size_t kChipMaxHeadDim = 512;
/// What probability 1 would be; a code holds at most kProbabilityOne - 1.
inline constexpr std::int32_t kProbabilityOne = 1 << kChipBits;

using Fixed12 = std::int16_t;         // signed, -2048 .. 2047
using Probability12 = std::uint16_t;  // unsigned, 0 .. 4095, in units of 1 / 4096

/// A stored level of `bits` bits (2..16) as the bitwidth converter hands it on: left-aligned in 12 bits.
constexpr Fixed12 align12(std::int32_t level, std::uint32_t bits) {
  return static_cast<Fixed12>(bits <= kChipBits ? level * (std::int32_t{1} << (kChipBits - bits)) : level >> (bits - kChipBits));
}

/// Puts the four low bits of a key below its `msb_bits` high ones (already aligned), as the bit-plane write of a refill
/// does: align12(concatenate(msb, lsb, 4), msb_bits + 4) for all splits; past 12 bits the low bits have no plane.
constexpr Fixed12 merge_lsb(Fixed12 msb, std::uint32_t lsb, std::uint32_t msb_bits) {
  const std::uint32_t bits = msb_bits <= 8 ? lsb << (8 - msb_bits) : lsb >> (msb_bits - 8);
  return static_cast<Fixed12>(msb | static_cast<std::int32_t>(bits));
}

/// value / 2^shift, to nearest, halves up: one adder before a shift. |value| below 2^62.
constexpr std::int64_t round_shift(std::int64_t value, std::uint32_t shift) {
  return shift == 0 ? value : (value + (std::int64_t{1} << (shift - 1))) >> shift;
}

/// Clamped to 12 bits. Symmetric: -2048 only arises by truncation of a key's low bits.
constexpr Fixed12 saturate12(std::int64_t value) {
  constexpr std::int64_t kLimit = (1 << (kChipBits - 1)) - 1;
  return static_cast<Fixed12>(value > kLimit ? kLimit : value < -kLimit ? -kLimit : value);
}

/// Rows of 12-bit integers, row-major, and one scale per row or (size 1) for all.
struct FixedMatrix {
  std::size_t rows = 0, cols = 0;
  std::vector<Fixed12> values;
  std::vector<float> scales;

  std::span<const Fixed12> row(std::size_t r) const { return {values.data() + r * cols, cols}; }
  float scale(std::size_t r) const { return scales[scales.size() == 1 ? 0 : r]; }
};

/// The keys of one head. `msb` is what the first fetch brings, `full` what is there after the low bits were merged; both
/// are equal, and only `full` is filled, without progressive quantization. One scale for all: scores of a row compare.
struct FixedKeys {
  FixedMatrix full;
  std::vector<Fixed12> msb;

  bool progressive() const { return !msb.empty(); }
  /// What the first pass of a row multiplies with.
  std::span<const Fixed12> first(std::size_t r) const {
    return progressive() ? std::span<const Fixed12>{msb.data() + r * full.cols, full.cols} : full.row(r);
  }
};

/// The policy's widths as the chip runs them: what the policy leaves in floating point has 12 bits.
QuantizationPolicy chip_quantization(QuantizationPolicy policy);

/// Quantizes to `bits` (as quantizer.h: linear, symmetric, to nearest even) and aligns. kTensor: one scale, from all of
/// `values`. `rows` picks and orders the rows that are wanted; empty: all. Their scale still comes from all of `values`,
/// since the chip's memory holds the whole tensor whatever a row reads of it.
FixedMatrix to_fixed(ConstMatrix values, std::uint32_t bits, Granularity granularity,
                     std::span<const std::uint32_t> rows = {});

/// Keys in widths of chip_quantization(), as MSB and LSB when these are progressive.
FixedKeys to_fixed_keys(ConstMatrix keys, const QuantizationPolicy& widths, std::span<const std::uint32_t> rows = {});

}  // namespace spatten::algo

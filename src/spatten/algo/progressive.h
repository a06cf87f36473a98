// SPDX-License-Identifier: Apache-2.0
// Progressive quantization (HPCA'21 III-D): K is an (m+4)-bit symmetric integer whose top m bits are read first; a row
// of attention whose largest probability stays below the threshold is flat, reads the 4 low bits, and is computed
// again. MSB is the arithmetic shift, so the sign travels with it and the low bits only ever add; rebuilding is
// concatenation.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace spatten::algo {

struct BitSplit {
  std::uint32_t msb_bits, lsb_bits;
};

/// The five splits of the paper; one per task.
inline constexpr std::array<BitSplit, 5> kBitSplits{{{4, 4}, {6, 4}, {8, 4}, {10, 4}, {12, 4}}};

constexpr std::int32_t msb_part(std::int32_t level, std::uint32_t lsb_bits) { return level >> lsb_bits; }
constexpr std::uint32_t lsb_part(std::int32_t level, std::uint32_t lsb_bits) {
  return static_cast<std::uint32_t>(level) & ((1u << lsb_bits) - 1);
}
constexpr std::int32_t concatenate(std::int32_t msb, std::uint32_t lsb, std::uint32_t lsb_bits) {
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(msb) << lsb_bits) | lsb);
}
/// The level that the MSB alone stand for: low bits zero.
constexpr std::int32_t msb_level(std::int32_t level, std::uint32_t lsb_bits) {
  return concatenate(msb_part(level, lsb_bits), 0, lsb_bits);
}

/// True when the row must be computed again: its largest probability (the running maximum starts at 0) is strictly
/// below the threshold. Threshold 0: never.
bool needs_lsb(std::span<const double> probabilities, double threshold);

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
// What the weights of a matrix are stored as, and with that what a product with them is made of (docs/decisions/precision.md):
//
//   fp32  both operands as they are; fp32 sums
//   bf16  both operands rounded to bf16 (8 bits of significand); their products are exact in fp32, and so are the sums' terms
//   int8  weights as integers with one scale per output, a row of x as integers with one scale per row, both -127 .. 127; the
//         sums are integers and exact
//
// Neighbouring inputs of an output that share 32 bits are a group: 1, 2 or 4 of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace spatten::kernels {

enum class Precision : std::uint8_t { kFp32, kBf16, kInt8 };

inline std::vector<std::pair<Precision, std::string>> enum_names(Precision) {
  return {{Precision::kFp32, "fp32"}, {Precision::kBf16, "bf16"}, {Precision::kInt8, "int8"}};
}

constexpr std::size_t kGroupBytes = 4;
/// What an output of int8 has beside its weights: a scale and a sum (PackedMatrix).
constexpr std::size_t kInt8OutputBytes = 8;

/// Bytes of one weight.
constexpr std::size_t weight_bytes(Precision p) { return p == Precision::kFp32 ? 4 : p == Precision::kBf16 ? 2 : 1; }
/// Inputs that make a group.
constexpr std::size_t group_inputs(Precision p) { return kGroupBytes / weight_bytes(p); }

}  // namespace spatten::kernels

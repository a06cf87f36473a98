// SPDX-License-Identifier: Apache-2.0
// Element types of a safetensors file, and the conversion of those that weights may have (F32, F16, BF16) to fp32.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace spatten {

/// All types that the format names; sub-byte types count in bits.
enum class DType {
  kBool, kF4, kF6E2M3, kF6E3M2, kU8, kI8, kF8E5M2, kF8E4M3, kF8E8M0, kI16, kU16, kF16, kBf16, kI32, kU32, kF32, kF64,
  kI64, kU64, kC64,
};

std::string_view dtype_name(DType type);  // as in the file: "F32"
std::uint64_t dtype_bits(DType type);
std::optional<DType> dtype_from_name(std::string_view name);

/// True for the types that convert_to_f32 reads.
inline bool is_weight_dtype(DType type) {
  return type == DType::kF32 || type == DType::kF16 || type == DType::kBf16;
}

/// `count` little-endian elements of a weight type to fp32, exact for every value (NaN payloads included).
/// F32 is a copy. `raw` needs no alignment and must not overlap `out`.
void convert_to_f32(DType type, const void* raw, std::size_t count, float* out);

enum class ValueCheck {
  kNone,
  kFinite,  // refuse NaN and Inf
  kNormal,  // refuse fp32 denormals, too, which are right but slow
};

/// Index of the first value that the check refuses, or `count`.
std::size_t first_refused(ValueCheck check, const float* values, std::size_t count);

}  // namespace spatten

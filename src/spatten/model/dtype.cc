// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/dtype.h"

#include <bit>
#include <cstring>

#include "spatten/base/error.h"

namespace spatten {
namespace {

static_assert(std::endian::native == std::endian::little, "safetensors data are little-endian");

struct Row {
  DType type;
  std::string_view name;
  std::uint64_t bits;
};

constexpr Row kTypes[] = {
    {DType::kBool, "BOOL", 8},      {DType::kF4, "F4", 4},           {DType::kF6E2M3, "F6_E2M3", 6},
    {DType::kF6E3M2, "F6_E3M2", 6}, {DType::kU8, "U8", 8},           {DType::kI8, "I8", 8},
    {DType::kF8E5M2, "F8_E5M2", 8}, {DType::kF8E4M3, "F8_E4M3", 8},  {DType::kF8E8M0, "F8_E8M0", 8},
    {DType::kI16, "I16", 16},       {DType::kU16, "U16", 16},        {DType::kF16, "F16", 16},
    {DType::kBf16, "BF16", 16},     {DType::kI32, "I32", 32},        {DType::kU32, "U32", 32},
    {DType::kF32, "F32", 32},       {DType::kF64, "F64", 64},        {DType::kI64, "I64", 64},
    {DType::kU64, "U64", 64},       {DType::kC64, "C64", 64},
};

const Row& row(DType type) {
  for (const Row& r : kTypes) {
    if (r.type == type) return r;
  }
  SPATTEN_CHECK(false);
  return kTypes[0];
}

std::uint16_t load16(const unsigned char* raw) {
  std::uint16_t v;
  std::memcpy(&v, raw, sizeof v);
  return v;
}

float bf16_to_f32(std::uint16_t v) { return std::bit_cast<float>(static_cast<std::uint32_t>(v) << 16); }

/// No branch, so that the loop around it vectorises.
float f16_to_f32(std::uint16_t v) {
  const std::uint32_t sign = (v & 0x8000u) << 16, magnitude = v & 0x7FFFu;
  // Moving the exponent from bias 15 to 127 is one addition; Inf and NaN need it twice to reach the top exponent.
  const std::uint32_t rebias = 112u << 23;
  const std::uint32_t normal = (magnitude << 13) + rebias + (magnitude >= 0x7C00u ? rebias : 0u);
  // A subnormal is its mantissa times 2^-24; the product is exact and normal in fp32.
  const auto subnormal = std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<std::int32_t>(magnitude)) * 0x1p-24f);
  return std::bit_cast<float>((magnitude < 0x400u ? subnormal : normal) | sign);
}

template <class F>
void convert_16(const void* raw, std::size_t count, float* out, F&& convert) {
  const auto* in = static_cast<const unsigned char*>(raw);
  for (std::size_t i = 0; i < count; ++i) out[i] = convert(load16(in + 2 * i));
}

bool refused(ValueCheck check, std::uint32_t bits) {
  const std::uint32_t exponent = bits & 0x7F800000u;
  return exponent == 0x7F800000u || (check == ValueCheck::kNormal && exponent == 0 && (bits & 0x007FFFFFu) != 0);
}

/// A block without an early exit, which vectorises.
bool any_refused(ValueCheck check, const float* values, std::size_t count) {
  const std::uint32_t least = check == ValueCheck::kNormal ? 1 : 0;
  std::uint32_t bad = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(values[i]) & 0x7FFFFFFFu;
    bad |= static_cast<std::uint32_t>(bits >= 0x7F800000u);
    bad |= static_cast<std::uint32_t>(bits - 1 < 0x007FFFFFu) & least;
  }
  return bad != 0;
}

}  // namespace

std::string_view dtype_name(DType type) { return row(type).name; }
std::uint64_t dtype_bits(DType type) { return row(type).bits; }

std::optional<DType> dtype_from_name(std::string_view name) {
  for (const Row& r : kTypes) {
    if (r.name == name) return r.type;
  }
  return std::nullopt;
}

void convert_to_f32(DType type, const void* raw, std::size_t count, float* out) {
  SPATTEN_CHECK(is_weight_dtype(type));
  if (count == 0) return;
  if (type == DType::kF32) std::memcpy(out, raw, count * sizeof(float));
  if (type == DType::kF16) convert_16(raw, count, out, f16_to_f32);
  if (type == DType::kBf16) convert_16(raw, count, out, bf16_to_f32);
}

std::size_t first_refused(ValueCheck check, const float* values, std::size_t count) {
  if (check == ValueCheck::kNone) return count;
  constexpr std::size_t kBlock = 1024;
  for (std::size_t start = 0; start < count; start += kBlock) {
    const std::size_t n = count - start < kBlock ? count - start : kBlock;
    if (!any_refused(check, values + start, n)) continue;
    std::size_t i = start;
    while (!refused(check, std::bit_cast<std::uint32_t>(values[i]))) ++i;
    return i;
  }
  return count;
}

}  // namespace spatten

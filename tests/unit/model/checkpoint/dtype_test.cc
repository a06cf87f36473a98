// SPDX-License-Identifier: Apache-2.0
// Conversion of weights, against arithmetic on doubles for every half-precision value there is.
#include "spatten/model/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "support/checkpoint_writer.h"

namespace spatten {
namespace {

std::vector<std::uint16_t> every_16_bit_value() {
  std::vector<std::uint16_t> all(65536);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint16_t>(i);
  return all;
}

/// The definition of IEEE 754 binary16.
double half_value(std::uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const double magnitude = exponent == 31  ? (mantissa == 0 ? INFINITY : NAN)
                           : exponent == 0 ? std::ldexp(mantissa, -24)
                                           : std::ldexp(1024 + mantissa, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

TEST(DType, EveryHalfConvertsExactly) {
  const auto all = every_16_bit_value();
  std::vector<float> out(all.size());
  convert_to_f32(DType::kF16, all.data(), all.size(), out.data());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double expected = half_value(all[i]);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(out[i])) << i;
      ASSERT_EQ(std::bit_cast<std::uint32_t>(out[i]) & 0x007FFFFFu, (all[i] & 0x3FFu) << 13) << i;
    } else {
      ASSERT_EQ(out[i], expected) << i;
    }
    ASSERT_EQ(std::signbit(out[i]), (all[i] & 0x8000) != 0) << i;
  }
}

TEST(DType, EveryBfloatIsTheTopHalfOfAFloat) {
  const auto all = every_16_bit_value();
  std::vector<float> out(all.size());
  convert_to_f32(DType::kBf16, all.data(), all.size(), out.data());
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(std::bit_cast<std::uint32_t>(out[i]), i << 16) << i;
}

TEST(DType, TheTestWritersRoundTripEveryFiniteHalf) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    if (std::isfinite(half_value(half))) {
      ASSERT_EQ(f16_bits(static_cast<float>(half_value(half))), half);
    }
    const float bfloat = std::bit_cast<float>(bits << 16);
    if (std::isfinite(bfloat)) {
      ASSERT_EQ(bf16_bits(bfloat), half);
    }
  }
}

TEST(DType, SourceNeedsNoAlignment) {
  std::vector<char> raw(1 + 2 * 100);
  std::vector<float> out(100);
  for (std::size_t i = 0; i < 100; ++i) {
    const auto half = static_cast<std::uint16_t>(0x3C00 + i);
    std::memcpy(raw.data() + 1 + 2 * i, &half, 2);
  }
  convert_to_f32(DType::kF16, raw.data() + 1, 100, out.data());
  for (std::size_t i = 0; i < 100; ++i) EXPECT_EQ(out[i], 1 + static_cast<float>(i) / 1024);
}

TEST(DType, NamesAndSizesAreThoseOfTheFormat) {
  EXPECT_EQ(dtype_from_name("BF16"), DType::kBf16);
  EXPECT_EQ(dtype_name(DType::kF6E2M3), "F6_E2M3");
  EXPECT_EQ(dtype_bits(DType::kF4), 4u);
  EXPECT_EQ(dtype_bits(DType::kC64), 64u);
  EXPECT_FALSE(dtype_from_name("f32"));
  EXPECT_FALSE(dtype_from_name(""));
}

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kDenormal = 1e-40f;

TEST(ValueCheck, FindsTheFirstBadValueAtEveryPosition) {
  for (const std::size_t count : {1u, 7u, 1024u, 1025u, 3000u}) {
    for (const float bad : {kNan, -kNan, kInf, -kInf}) {
      for (std::size_t at = 0; at < count; at += at < 8 || at + 8 >= count ? 1 : 311) {
        std::vector<float> values(count, std::numeric_limits<float>::max());
        values[at] = values.back() = bad;
        EXPECT_EQ(first_refused(ValueCheck::kFinite, values.data(), count), at);
        EXPECT_EQ(first_refused(ValueCheck::kNone, values.data(), count), count);
      }
    }
  }
}

TEST(ValueCheck, DenormalsAreRefusedOnlyWhenAskedFor) {
  const std::vector<float> values = {0.0f, -0.0f, 1.0f, std::numeric_limits<float>::min(), -kDenormal, kNan};
  EXPECT_EQ(first_refused(ValueCheck::kFinite, values.data(), values.size()), 5u);
  EXPECT_EQ(first_refused(ValueCheck::kNormal, values.data(), values.size()), 4u);
  EXPECT_EQ(first_refused(ValueCheck::kNormal, values.data(), 4), 4u);
  EXPECT_EQ(first_refused(ValueCheck::kNormal, values.data(), 0), 0u);
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Linear symmetric quantization, and its split into high and low bits.
#include "spatten/algo/quantizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "spatten/algo/progressive.h"
#include "spatten/base/random.h"

namespace spatten::algo {
namespace {

using testing::ElementsAre;

TEST(Quantizer, UsesTheSymmetricRange) {
  EXPECT_EQ(largest_level(4), 7);
  EXPECT_EQ(largest_level(12), 2047);
  EXPECT_EQ(largest_level(16), 32767);
  EXPECT_THROW(largest_level(1), Bug);
  EXPECT_THROW(largest_level(17), Bug);
  EXPECT_EQ(quantize(3.5f, symmetric_scale(3.5f, 8), 8), 127);
  EXPECT_EQ(quantize(-3.5f, symmetric_scale(3.5f, 8), 8), -127);
}

TEST(Quantizer, RoundsToNearestEvenAndClamps) {
  std::vector<std::int32_t> levels;
  for (const float x : {0.5f, 1.5f, 2.5f, -0.5f, -1.5f, 2.51f, 99.0f, -99.0f}) levels.push_back(quantize(x, 1.0f, 4));
  EXPECT_THAT(levels, ElementsAre(0, 2, 2, 0, -2, 3, 7, -7));
}

TEST(Quantizer, MapsZerosToZerosAndStaysDefinedOnExtremes) {
  const std::vector<float> zeros(8, 0.0f);
  const QuantizedMatrix q = quantize(ConstMatrix(zeros.data(), 1, 8), 8, Granularity::kRow);
  for (std::size_t c = 0; c < 8; ++c) EXPECT_EQ(q.value(0, c), 0.0f);
  const float tiny = std::numeric_limits<float>::denorm_min();
  EXPECT_EQ(quantize(tiny, symmetric_scale(tiny, 8), 8), 0);
  const float huge = std::numeric_limits<float>::max();
  EXPECT_EQ(quantize(huge, symmetric_scale(huge, 12), 12), 2047);
  EXPECT_GE(quantize(std::nanf(""), 1.0f, 8), -127);
}

TEST(Quantizer, ErrsByAtMostHalfAScale) {
  Random random(5);
  for (std::uint32_t bits = 4; bits <= 16; ++bits) {
    std::vector<float> x(6 * 16);
    for (float& v : x) v = static_cast<float>(random.normal());
    const ConstMatrix matrix(x.data(), 6, 16);
    for (const Granularity granularity : {Granularity::kRow, Granularity::kTensor}) {
      const QuantizedMatrix q = quantize(matrix, bits, granularity);
      for (std::size_t r = 0; r < 6; ++r) {
        for (std::size_t c = 0; c < 16; ++c) {
          // Half a level, and the float rounding of x / scale and level * scale.
          const float slack = std::abs(matrix(r, c)) * 2 * std::numeric_limits<float>::epsilon();
          ASSERT_LE(std::abs(q.value(r, c) - matrix(r, c)), 0.5f * q.scales[r] + slack);
          ASSERT_LE(std::abs(q.level(r, c)), largest_level(bits));
        }
      }
    }
  }
}

TEST(Quantizer, SharesOneScalePerRowOrPerTensor) {
  const std::vector<float> x{1, -2, 8, 4};
  const ConstMatrix matrix(x.data(), 2, 2);
  EXPECT_THAT(quantize(matrix, 4, Granularity::kRow).scales, ElementsAre(2.0f / 7, 8.0f / 7));
  EXPECT_THAT(quantize(matrix, 4, Granularity::kTensor).scales, ElementsAre(8.0f / 7, 8.0f / 7));
}

TEST(Progressive, RebuildsEveryLevelOfEverySplit) {
  for (const BitSplit split : kBitSplits) {
    const std::int32_t limit = largest_level(split.msb_bits + split.lsb_bits);
    const std::int32_t msb_limit = std::int32_t{1} << (split.msb_bits - 1);
    for (std::int32_t level = -limit; level <= limit; ++level) {
      const std::int32_t msb = msb_part(level, split.lsb_bits);
      const std::uint32_t lsb = lsb_part(level, split.lsb_bits);
      ASSERT_EQ(concatenate(msb, lsb, split.lsb_bits), level);
      ASSERT_TRUE(msb >= -msb_limit && msb < msb_limit) << "the high part fits in " << split.msb_bits << " bits";
      ASSERT_LT(lsb, 16u);
      const std::int32_t lost = level - msb_level(level, split.lsb_bits);
      ASSERT_TRUE(lost >= 0 && lost < 16);  // low bits only add
    }
  }
}

TEST(Progressive, ComparesStrictlyAndStartsAtZero) {
  EXPECT_FALSE(needs_lsb(std::vector<double>{0.1, 0.5}, 0.5));
  EXPECT_TRUE(needs_lsb(std::vector<double>{0.1, 0.4999}, 0.5));
  EXPECT_FALSE(needs_lsb(std::vector<double>{0.0, 0.0}, 0.0));
  EXPECT_TRUE(needs_lsb(std::vector<double>{0.6, 0.4}, 1.0));
  EXPECT_FALSE(needs_lsb(std::vector<double>{1.0}, 1.0));
  EXPECT_TRUE(needs_lsb(std::vector<double>{}, 0.1));
}

}  // namespace
}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/rounding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace spatten::kernels {
namespace {

TEST(Bf16, KeepsEveryValueThatItHas) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = from_bf16(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(from_bf16(to_bf16(value))));
    } else {
      ASSERT_EQ(to_bf16(value), bits);
    }
  }
}

TEST(Bf16, RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(from_bf16(to_bf16(1.0f + 0x1p-8f)), 1.0f);  // halfway: the even neighbour
  EXPECT_EQ(from_bf16(to_bf16(1.0f + 0x1.8p-7f)), 1.0f + 0x1p-6f);
  EXPECT_EQ(from_bf16(to_bf16(1.0f + 0x1.01p-8f)), 1.0f + 0x1p-7f);
  EXPECT_EQ(from_bf16(to_bf16(-1.0f - 0x1.01p-8f)), -1.0f - 0x1p-7f);
  EXPECT_EQ(from_bf16(to_bf16(std::numeric_limits<float>::max())), INFINITY);
  EXPECT_TRUE(std::isnan(from_bf16(to_bf16(std::bit_cast<float>(0x7FFFFFFFu)))));
  EXPECT_TRUE(std::isnan(from_bf16(to_bf16(std::bit_cast<float>(0x7F800001u)))));
}

TEST(Levels, ReachTheirLimitAtTheLargestMagnitude) {
  const float x[] = {0.5f, -4, 1, NAN};
  EXPECT_EQ(largest_magnitude(x, 4), 4);
  const float scale = symmetric_scale(4, 8);
  EXPECT_EQ(level(-4, scale, largest_level(8)), -127);
  EXPECT_EQ(level(0.5f, scale, largest_level(8)), 16);  // 15.875
  EXPECT_EQ(level(0, symmetric_scale(0, 8), largest_level(8)), 0);
}

}  // namespace
}  // namespace spatten::kernels

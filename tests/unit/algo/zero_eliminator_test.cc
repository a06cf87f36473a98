// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/zero_eliminator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spatten/base/random.h"

namespace spatten::algo {
namespace {

using testing::ElementsAre;

std::vector<int> pack(std::vector<int> values) { return eliminate_zeros(std::span<const int>(values)).packed; }

TEST(ZeroEliminator, FollowsFigure10StageByStage) {
  enum { a = 1, b, c, d, e };
  const std::vector<int> input{a, 0, b, 0, c, d, 0, e};
  const auto result = eliminate_zeros(std::span<const int>(input));
  EXPECT_THAT(result.zero_counts, ElementsAre(0u, 0u, 1u, 1u, 2u, 2u, 2u, 3u));
  ASSERT_EQ(result.stages.size(), 3u);
  EXPECT_THAT(result.stages[0], ElementsAre(a, b, 0, 0, c, d, e, 0));
  EXPECT_THAT(result.stages[1], ElementsAre(a, b, c, d, e, 0, 0, 0));
  EXPECT_THAT(result.packed, ElementsAre(a, b, c, d, e, 0, 0, 0));
}

TEST(ZeroEliminator, PacksAnySizeAndPattern) {
  EXPECT_THAT(pack({}), ElementsAre());
  EXPECT_THAT(pack({0}), ElementsAre(0));
  EXPECT_THAT(pack({5}), ElementsAre(5));
  Random random(11);
  for (int round = 0; round < 500; ++round) {
    std::vector<int> input(random.below(40)), expected;
    for (int& v : input) v = random.below(3) == 0 ? 0 : static_cast<int>(1 + random.below(9));
    for (const int v : input) {
      if (v != 0) expected.push_back(v);
    }
    expected.resize(input.size(), 0);
    ASSERT_EQ(pack(input), expected);
  }
}

}  // namespace
}  // namespace spatten::algo

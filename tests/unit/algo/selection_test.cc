// SPDX-License-Identifier: Apache-2.0
// Which tokens, heads and values a budget keeps.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "spatten/algo/head_importance.h"
#include "spatten/algo/head_pruning.h"
#include "spatten/algo/token_pruning.h"
#include "spatten/algo/value_pruning.h"
#include "spatten/base/random.h"

namespace spatten::algo {
namespace {

using testing::ElementsAre;

TEST(TokenSelection, KeepsTheBestInOrder) {
  const std::vector<double> scores{0.3, 0.9, 0.1, 0.7};
  EXPECT_THAT(select_tokens(scores, std::vector<bool>(4, false), 2), ElementsAre(1u, 3u));
  EXPECT_THAT(select_tokens(scores, std::vector<bool>(4, false), 4), ElementsAre(0u, 1u, 2u, 3u));
  EXPECT_THAT(select_tokens(scores, std::vector<bool>(4, false), 9), ElementsAre(0u, 1u, 2u, 3u));
  EXPECT_THAT(select_tokens({}, {}, 3), ElementsAre());
}

TEST(TokenSelection, CountsProtectedTokensInTheBudget) {
  const std::vector<double> scores{0.3, 0.9, 0.1, 0.7};
  EXPECT_THAT(select_tokens(scores, {false, false, true, false}, 2), ElementsAre(1u, 2u));
  EXPECT_THAT(select_tokens(scores, {true, false, true, false}, 2), ElementsAre(0u, 2u));
}

TEST(TokenSelection, KeepsAllProtectedTokensWhenTheyExceedTheBudget) {
  const std::vector<double> scores{0.3, 0.9, 0.1, 0.7};
  EXPECT_THAT(select_tokens(scores, {true, false, true, true}, 1), ElementsAre(0u, 2u, 3u));
}

TEST(TokenSelection, KeepsTheFirstOfEqualTokens) {
  EXPECT_THAT(select_tokens(std::vector<double>(5, 1.0), {false, false, false, false, true}, 3),
              ElementsAre(0u, 1u, 4u));
}

TEST(HeadSelection, RanksAliveHeadsByTheirId) {
  HeadImportance importance(4);
  importance.observe(0, 1.0);
  importance.observe(1, 5.0);
  importance.observe(2, 9.0);
  importance.observe(3, 2.0);
  importance.observe(3, 4.0);  // another layer: 6 in total
  EXPECT_THAT(select_heads(importance.scores(), std::vector<std::uint32_t>{0, 1, 3}, 2), ElementsAre(1u, 2u));
  EXPECT_THAT(select_heads(importance.scores(), std::vector<std::uint32_t>{2}, 1), ElementsAre(0u));
  importance.reset();
  EXPECT_THAT(importance.scores(), ElementsAre(0, 0, 0, 0));
}

TEST(ValueSelection, KeepsTheLargestProbabilitiesOfTheRow) {
  EXPECT_THAT(select_values(std::vector<double>{0.1, 0.4, 0.2, 0.3}, 2), ElementsAre(1u, 3u));
  EXPECT_THAT(select_values(std::vector<double>{0.25, 0.25, 0.25, 0.25}, 2), ElementsAre(0u, 1u));
}

TEST(ValueSelection, CountsByTheKeysOfTheRowOrByTheBudget) {
  ValuePolicy policy;
  EXPECT_EQ(value_keep_count(policy, 7, 100), 100u);  // off
  policy.keep = 0.2;
  EXPECT_EQ(value_keep_count(policy, 7, 100), 20u);
  EXPECT_EQ(value_keep_count(policy, 7, 1), 1u);
  EXPECT_EQ(value_keep_count(policy, 7, 0), 0u);
  policy.reference_length = 1024;
  EXPECT_EQ(value_keep_count(policy, 921, 993), 184u);
  EXPECT_EQ(value_keep_count(policy, 921, 50), 50u);  // never more than there are
}

}  // namespace
}  // namespace spatten::algo

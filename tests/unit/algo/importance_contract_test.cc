// SPDX-License-Identifier: Apache-2.0
// What every token importance must do, run on each value of algo::Importance, and then what each one means.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "spatten/algo/importance/importance.h"
#include "spatten/base/random.h"

namespace spatten::algo {
namespace {

using testing::ElementsAre;

/// One head's evidence over `keys`, random where it is not given.
struct Evidence {
  std::vector<std::uint32_t> keys;
  std::vector<float> sums, probe, norms;
  std::uint32_t layer = 0, head = 0, rows = 1;

  HeadObservation observation(const ObservationNeeds& needs) const {
    HeadObservation o{.layer = layer, .head = head, .rows = rows, .keys = keys};
    if (needs.column_sums) o.column_sums = sums;
    if (needs.probe_row) o.probe_row = probe;
    if (needs.value_norms) o.value_norms = norms;
    return o;
  }
};

Evidence random_evidence(Random& random, std::size_t tokens, std::uint32_t layer, std::uint32_t head) {
  Evidence e;
  for (std::uint32_t token = 0; token < tokens; ++token) {
    if (random.below(4) == 0) continue;
    e.keys.push_back(token);
    e.sums.push_back(static_cast<float>(random.uniform()));
    e.probe.push_back(static_cast<float>(random.uniform()));
    e.norms.push_back(static_cast<float>(random.uniform()));
  }
  e.layer = layer;
  e.head = head;
  e.rows = static_cast<std::uint32_t>(e.keys.size());
  return e;
}

std::unique_ptr<TokenImportance> with_tokens(Importance kind, std::size_t tokens, std::uint64_t seed = 1) {
  auto importance = make_importance(kind, seed);
  for (std::size_t i = 0; i < tokens; ++i) importance->append();
  return importance;
}

std::vector<double> run(Importance kind, std::uint64_t seed) {
  auto importance = with_tokens(kind, 30, seed);
  Random random(9);
  for (std::uint32_t layer = 0; layer < 4; ++layer) {
    for (std::uint32_t head = 0; head < 3; ++head) {
      importance->observe(random_evidence(random, 30, layer, head).observation(importance->needs()), true);
    }
  }
  return {importance->scores().begin(), importance->scores().end()};
}

class EveryImportance : public testing::TestWithParam<std::pair<Importance, std::string>> {};

TEST_P(EveryImportance, GivesOneFiniteScorePerToken) {
  const std::vector<double> scores = run(GetParam().first, 1);
  EXPECT_EQ(scores.size(), 30u);
  for (const double score : scores) EXPECT_TRUE(std::isfinite(score));
}

TEST_P(EveryImportance, RepeatsItselfFromTheSameSeed) { EXPECT_EQ(run(GetParam().first, 1), run(GetParam().first, 1)); }

TEST_P(EveryImportance, GrowsWithTheSequenceAndKeepsOldScores) {
  auto importance = with_tokens(GetParam().first, 5);
  Random random(2);
  importance->observe(random_evidence(random, 5, 0, 0).observation(importance->needs()), true);
  const std::vector<double> before(importance->scores().begin(), importance->scores().end());
  importance->append();
  ASSERT_EQ(importance->scores().size(), 6u);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), importance->scores().begin()));
}

TEST_P(EveryImportance, RescalingKeepsTheOrderOfTokens) {
  auto importance = with_tokens(GetParam().first, 20);
  Random random(3);
  importance->observe(random_evidence(random, 20, 0, 0).observation(importance->needs()), false);
  const std::vector<double> before(importance->scores().begin(), importance->scores().end());
  importance->rescale(0.5);
  const std::vector<double> after(importance->scores().begin(), importance->scores().end());
  for (std::size_t i = 0; i < 20; ++i) {
    for (std::size_t j = 0; j < 20; ++j) EXPECT_EQ(before[i] < before[j], after[i] < after[j]);
  }
}

TEST_P(EveryImportance, RanksAMoreAttendedTokenHigher) {
  if (GetParam().first == Importance::kRandom || GetParam().first == Importance::kRecent) {
    EXPECT_FALSE(make_importance(GetParam().first, 1)->needs().column_sums);
    return;
  }
  auto importance = with_tokens(GetParam().first, 3);
  const Evidence e{{0, 1, 2}, {0.5f, 2.0f, 0.5f}, {0.2f, 0.6f, 0.2f}, {1, 1, 1}, 0, 0, 3};
  importance->observe(e.observation(importance->needs()), false);
  EXPECT_GT(importance->scores()[1], importance->scores()[0]);
  EXPECT_GT(importance->scores()[1], importance->scores()[2]);
}

INSTANTIATE_TEST_SUITE_P(All, EveryImportance, testing::ValuesIn(enum_names(Importance{})),
                         [](const auto& test) { return test.param.second; });

const Evidence kFirst{{0, 1, 2}, {1, 2, 3}, {0.5f, 0.25f, 0.25f}, {2, 1, 1}, 0, 0, 6};
const Evidence kSecond{{0, 2}, {4, 8}, {0.5f, 0.5f}, {1, 3}, 1, 0, 4};

std::vector<double> after_two_layers(Importance kind) {
  auto importance = with_tokens(kind, 3);
  for (const Evidence* e : {&kFirst, &kSecond}) importance->observe(e->observation(importance->needs()), false);
  return {importance->scores().begin(), importance->scores().end()};
}

TEST(Importance, AccumulatedAttentionSumsOverLayers) {
  EXPECT_THAT(after_two_layers(Importance::kAccumulatedAttention), ElementsAre(5, 2, 11));
}

TEST(Importance, NormalisedDividesByTheRowsOfAllLayers) {
  EXPECT_THAT(after_two_layers(Importance::kNormalised), ElementsAre(5.0 / 10, 2.0 / 6, 11.0 / 10));
}

TEST(Importance, LastLayerForgetsEarlierLayersButNotHeads) {
  EXPECT_THAT(after_two_layers(Importance::kLastLayer), ElementsAre(4, 2, 8));  // token 1 was last seen in layer 0
  auto importance = with_tokens(Importance::kLastLayer, 3);
  importance->observe(kFirst.observation(importance->needs()), false);
  importance->observe(kFirst.observation(importance->needs()), false);  // a second head of the same layer
  EXPECT_THAT(importance->scores(), ElementsAre(2, 4, 6));
  importance->begin_pass();
  importance->observe(kFirst.observation(importance->needs()), false);  // layer 0 again, of the next pass
  EXPECT_THAT(importance->scores(), ElementsAre(1, 2, 3));
}

TEST(Importance, ProbeSumsTheProbeRow) {
  EXPECT_THAT(after_two_layers(Importance::kProbe), ElementsAre(1, 0.25, 0.75));
}

TEST(Importance, ValueWeightedMultipliesByTheNormOfV) {
  EXPECT_THAT(after_two_layers(Importance::kValueWeighted), ElementsAre(6, 2, 27));
}

TEST(Importance, RecentRanksByPosition) { EXPECT_THAT(after_two_layers(Importance::kRecent), ElementsAre(0, 1, 2)); }

TEST(Importance, RandomDependsOnTheSeed) { EXPECT_NE(run(Importance::kRandom, 1), run(Importance::kRandom, 2)); }

TEST(Importance, NormalisedCountsOnlyTheCausalRowsThatSawAKey) {
  // Uniform attention of 4 causal rows: key j is seen by rows j..3 with probability 1 / (row + 1).
  const Evidence e{{0, 1, 2, 3},
                   {1 + 1.0f / 2 + 1.0f / 3 + 1.0f / 4, 1.0f / 2 + 1.0f / 3 + 1.0f / 4, 1.0f / 3 + 1.0f / 4, 1.0f / 4},
                   {},
                   {},
                   0,
                   0,
                   4};
  auto importance = with_tokens(Importance::kNormalised, 4);
  importance->observe(e.observation(importance->needs()), true);
  const double expected[] = {25.0 / 48, 13.0 / 36, 7.0 / 24, 1.0 / 4};
  for (std::size_t j = 0; j < 4; ++j) EXPECT_NEAR(importance->scores()[j], expected[j], 1e-6);
}

TEST(Importance, NormalisedKeepsTheMeanWhenRescaledAndMovesFasterAfterwards) {
  auto importance = with_tokens(Importance::kNormalised, 1);
  const Evidence low{{0}, {0.0f}, {}, {}, 0, 0, 1}, high{{0}, {1.0f}, {}, {}, 0, 0, 1};
  importance->observe(low.observation(importance->needs()), false);
  importance->rescale(0.25);
  importance->observe(high.observation(importance->needs()), false);
  EXPECT_DOUBLE_EQ(importance->scores()[0], 1 / 1.25);
}

TEST(Observation, CountsTheRowsThatSeeAKey) {
  EXPECT_EQ(rows_seeing(0, 5, 3, false), 3u);
  EXPECT_EQ(rows_seeing(0, 5, 3, true), 3u);  // older than every query
  EXPECT_EQ(rows_seeing(2, 5, 3, true), 3u);  // the first query itself
  EXPECT_EQ(rows_seeing(3, 5, 3, true), 2u);
  EXPECT_EQ(rows_seeing(4, 5, 3, true), 1u);
}

}  // namespace
}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
// Keep counts: the authors' traces exactly, the paper's rule, and what must hold for every policy and model.
#include "spatten/algo/schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "spatten/algo/policy_file.h"
#include "spatten/base/random.h"

namespace spatten::algo {
namespace {

using testing::Each;
using testing::ElementsAre;
using Counts = std::vector<std::uint32_t>;

const std::string kConfigs = std::string(SPATTEN_SOURCE_DIR) + "/configs/pruning";
constexpr ModelShape kBert{12, 12, 64, 512, false};
constexpr ModelShape kGpt2Small{12, 12, 64, 1024, true};
constexpr ModelShape kGpt2Medium{24, 16, 64, 1024, true};

Policy trace_policy(const std::string& preset) {
  return load_policy(preset, kConfigs, {"token.reference_length=1024", "value.reference_length=1024"});
}

Counts repeat(const std::vector<std::pair<std::uint32_t, int>>& runs) {
  Counts out;
  for (const auto& [count, times] : runs) out.insert(out.end(), static_cast<std::size_t>(times), count);
  return out;
}

TEST(Schedule, EqualsTheGpt2SmallTrace) {
  const Schedule s = resolve(trace_policy("paper-gpt2"), kGpt2Small, 1024);
  EXPECT_EQ(s.tokens, repeat({{921, 1}, {716, 1}, {204, 4}, {102, 6}}));
  EXPECT_EQ(s.values, repeat({{184, 1}, {143, 1}, {40, 4}, {20, 6}}));
  EXPECT_THAT(s.heads, Each(12u));
}

TEST(Schedule, EqualsTheGpt2MediumTrace) {
  const Schedule s = resolve(trace_policy("paper-gpt2-medium"), kGpt2Medium, 1024);
  EXPECT_EQ(s.tokens, repeat({{1024, 2}, {921, 1}, {819, 2}, {614, 6}, {307, 13}}));
  EXPECT_EQ(s.values, repeat({{307, 2}, {276, 1}, {245, 2}, {184, 6}, {92, 13}}));
  EXPECT_EQ(s.heads, repeat({{16, 16}, {13, 6}, {10, 2}}));  // 354 head-layers of 384
}

TEST(Schedule, KeepsTheTracesBudgetWhileTheContextGrows) {
  const Policy policy = trace_policy("paper-gpt2");
  EXPECT_EQ(resolve(policy, kGpt2Small, 994).tokens, resolve(policy, kGpt2Small, 1024).tokens);
  EXPECT_EQ(resolve(policy, kGpt2Small, 300).tokens, repeat({{300, 2}, {204, 4}, {102, 6}}));
}

TEST(Schedule, PrunesValuesButNotTokensInTheTracesIterationZero) {
  const ActiveCascades first{.tokens = false, .heads = true, .ranked = true};
  const Schedule small = resolve(trace_policy("paper-gpt2"), kGpt2Small, 993, first);
  EXPECT_THAT(small.tokens, Each(993u));
  EXPECT_THAT(small.values, Each(204u));  // of 1024, though 993 exist
  const Schedule medium = resolve(trace_policy("paper-gpt2-medium"), kGpt2Medium, 993, first);
  EXPECT_THAT(medium.values, Each(307u));
  EXPECT_EQ(medium.heads, repeat({{16, 16}, {13, 6}, {10, 2}}));
}

TEST(Schedule, ProtectsTheFrontLayersRoundedUp) {
  EXPECT_EQ(protected_layer_count(0.15, 12), 2u);
  EXPECT_EQ(protected_layer_count(0.15, 24), 4u);
  EXPECT_EQ(protected_layer_count(0.28, 25), 7u);  // 7.000000000000001 is 7
  EXPECT_EQ(protected_layer_count(0.15, 6), 1u);
  EXPECT_EQ(protected_layer_count(0.30, 12), 4u);
  EXPECT_EQ(protected_layer_count(0.30, 24), 8u);
  EXPECT_EQ(protected_layer_count(0, 12), 0u);
  EXPECT_EQ(protected_layer_count(1, 12), 12u);
}

TEST(Schedule, RoundsCountsDownToAtLeastOne) {
  EXPECT_EQ(kept_count(0.9, 1024), 921u);
  EXPECT_EQ(kept_count(0.29, 100), 29u);  // 28.999999999999996 is 29
  EXPECT_EQ(kept_count(0.01, 10), 1u);
  EXPECT_EQ(kept_count(1.0, 7), 7u);
}

TEST(Schedule, FallsLinearlyAroundTheAverage) {
  Policy policy;
  policy.token.keep = 0.5;
  // 2 protected layers, then 0.75 down to 0.25 in ten: steps of 1/18.
  EXPECT_THAT(resolve(policy, kBert, 1800).tokens,
              ElementsAre(1800, 1800, 1350, 1250, 1150, 1050, 950, 850, 750, 650, 550, 450));
  policy.token.start = 0.9;
  const Schedule steep = resolve(policy, kBert, 1000);
  EXPECT_EQ(steep.tokens[2], 900u);
  EXPECT_EQ(steep.tokens[11], 100u);
  policy.token.keep = 0.9;
  policy.token.start.reset();
  const Schedule high = resolve(policy, kBert, 1000);  // the start cannot exceed 1
  EXPECT_EQ(high.tokens[2], 1000u);
  EXPECT_EQ(high.tokens[11], 800u);
}

TEST(Schedule, MeansSomethingOnSmallModels) {
  const Policy policy = load_policy("none", kConfigs, {"token.keep=0.5"});
  EXPECT_THAT(resolve(policy, {6, 8, 32, 128, false}, 40).tokens, ElementsAre(40, 30, 25, 20, 15, 10));
  EXPECT_THAT(resolve(policy, {2, 4, 32, 128, false}, 40).tokens, ElementsAre(40, 20));
  EXPECT_THAT(resolve(policy, {1, 4, 32, 128, false}, 40).tokens, ElementsAre(40));  // nothing left to prune
  EXPECT_THAT(resolve(policy, {6, 8, 32, 128, false}, 1).tokens, Each(1u));
  EXPECT_THAT(resolve(policy, {6, 8, 32, 128, true}, 0).tokens, Each(0u));
}

TEST(Schedule, MovesStepsWithTheDepthOfTheModel) {
  const Policy policy = load_policy("paper-gpt2", kConfigs);
  EXPECT_THAT(resolve(policy, {6, 8, 64, 512, true}, 100).tokens, ElementsAre(90, 20, 20, 10, 10, 10));
}

TEST(Schedule, KeepsAllWhereTheRatioIsOneHoweverShortTheReference) {
  Policy policy;
  policy.token.steps = {{1, 0.5}};
  policy.token.reference_length = 100;
  EXPECT_THAT(resolve(policy, {4, 2, 8, 512, true}, 300).tokens, ElementsAre(300, 300, 50, 50));
}

TEST(Schedule, TakesKeepFromTheLengthRule) {
  Policy policy;
  policy.token.length_rule = {{64, 0.8}, {256, 0.5}};
  EXPECT_TRUE(policy.token_pruning());
  policy.token.protected_layers = 0;
  const ModelShape one_layer{1, 1, 8, 512, true};
  EXPECT_THAT(resolve(policy, one_layer, 63).tokens, ElementsAre(63u));
  EXPECT_THAT(resolve(policy, one_layer, 100).tokens, ElementsAre(80u));
  EXPECT_THAT(resolve(policy, one_layer, 256).tokens, ElementsAre(128u));
}

TEST(Schedule, KeepsWhatNothingHasRankedYet) {
  Policy policy;
  policy.token.counts = {5, 4, 3};
  policy.head.counts = {3, 2, 1};
  const ModelShape encoder{3, 4, 8, 64, false}, decoder{3, 4, 8, 64, true};
  EXPECT_THAT(resolve(policy, encoder, 10).tokens, ElementsAre(10, 4, 3));
  EXPECT_THAT(resolve(policy, encoder, 10).heads, ElementsAre(4, 2, 1));
  EXPECT_THAT(resolve(policy, decoder, 10).tokens, ElementsAre(5, 4, 3));
  EXPECT_THAT(resolve(policy, decoder, 10).heads, ElementsAre(4, 2, 1));
  EXPECT_THAT(resolve(policy, decoder, 10, {.ranked = false}).tokens, ElementsAre(10, 4, 3));
  policy.head.reset_scores = false;
  EXPECT_THAT(resolve(policy, decoder, 10).heads, ElementsAre(3, 2, 1));
}

TEST(Schedule, CostsWhatFigure1Shows) {
  Policy policy;
  policy.token.counts = {11, 5, 2};
  policy.head.counts = {12, 10, 8};
  const Schedule s = resolve(policy, {3, 12, 64, 512, false}, 11);
  const auto percent = [&](std::size_t layer) { return 100.0 * s.tokens[layer] * s.heads[layer] / (11.0 * 12.0); };
  EXPECT_NEAR(percent(0), 100, 0.5);
  EXPECT_NEAR(percent(1), 38, 0.5);
  EXPECT_NEAR(percent(2), 12, 0.5);
}

TEST(Schedule, RefusesListsThatDoNotFitTheModel) {
  const auto message = [](const Policy& policy) -> std::string {
    try {
      resolve(policy, kBert, 10);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  Policy policy;
  policy.token.ratios = {1, 0.5};
  EXPECT_EQ(message(policy), "policy:token.ratios: expected 12 entries, one per layer of the model, found 2");
  policy = {};
  policy.head.counts = repeat({{13, 12}});
  EXPECT_EQ(message(policy), "policy:head.counts: expected at most the 12 heads of the model, found 13");
}

/// A random policy of every form; ratios fall from layer to layer.
Policy random_policy(Random& random, std::uint32_t layers, std::uint32_t heads) {
  Policy policy;
  const auto falling = [&](double from) {
    std::vector<double> ratios(layers);
    for (double& r : ratios) r = from = std::max(1e-4, from * (0.5 + 0.5 * random.uniform()));
    return ratios;
  };
  switch (random.below(4)) {
    case 0:
      policy.token.keep = 0.01 + 0.99 * random.uniform();
      break;
    case 1:
      policy.token.ratios = falling(1);
      break;
    case 2:
      for (const double r : falling(1)) policy.token.counts.push_back(kept_count(r, 200));
      break;
    default:
      policy.token.steps = {{-1, 0.9}, {static_cast<std::int32_t>(random.below(layers)), 0.3}};
  }
  if (policy.token.counts.empty()) policy.token.reference_length = static_cast<std::uint32_t>(random.below(3) * 300);
  if (random.below(2) == 0) policy.head.keep = 0.01 + 0.99 * random.uniform();
  if (random.below(4) == 0) policy.head.counts = Counts(layers, 1 + static_cast<std::uint32_t>(random.below(heads)));
  policy.value.keep = 0.01 + 0.99 * random.uniform();
  policy.value.reference_length = static_cast<std::uint32_t>(random.below(2) * 512);
  return policy;
}

TEST(Schedule, NeverGrowsNeverEmptiesNeverExceeds) {
  Random random(23);
  for (int round = 0; round < 2000; ++round) {
    const auto layers = static_cast<std::uint32_t>(1 + random.below(14));
    const auto heads = static_cast<std::uint32_t>(1 + random.below(12));
    const ModelShape shape{layers, heads, 32, 1024, random.below(2) == 0};
    const std::size_t length = 1 + random.below(600);
    const Schedule s = resolve(random_policy(random, layers, heads), shape, length);
    ASSERT_EQ(s.tokens.size(), layers);
    ASSERT_EQ(s.heads.size(), layers);
    ASSERT_EQ(s.values.size(), layers);
    for (std::size_t l = 0; l < layers; ++l) {
      ASSERT_TRUE(s.tokens[l] >= 1 && s.tokens[l] <= (l == 0 ? length : s.tokens[l - 1]));
      ASSERT_TRUE(s.heads[l] >= 1 && s.heads[l] <= (l == 0 ? heads : s.heads[l - 1]));
      ASSERT_TRUE(s.values[l] >= 1 && s.values[l] <= s.tokens[l]);
    }
  }
}

}  // namespace
}  // namespace spatten::algo

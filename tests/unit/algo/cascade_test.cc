// SPDX-License-Identifier: Apache-2.0
// The state machine of the cascade: an example as in the paper's Fig. 4, generation with and without return of pruned
// tokens, and what must hold for every policy.
#include "spatten/algo/cascade.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <set>

#include "spatten/base/random.h"

namespace spatten::algo {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using Ids = std::vector<std::uint32_t>;

/// Score of a token, head magnitude: what a test wants the attention to say.
using TokenEvidence = std::function<float(std::uint32_t layer, std::uint32_t token)>;
using HeadEvidence = std::function<double(std::uint32_t layer, std::uint32_t head)>;

void observe_layer(CascadeState& state, std::uint32_t layer, std::uint32_t rows, const TokenEvidence& token,
                   const HeadEvidence& head) {
  const Ids keys = state.alive_tokens();
  std::vector<float> column(keys.size());
  for (std::size_t j = 0; j < keys.size(); ++j) column[j] = token(layer, keys[j]);
  for (const std::uint32_t h : Ids(state.alive_heads())) {
    HeadObservation o{.layer = layer, .head = h, .rows = rows, .keys = keys};
    const ObservationNeeds needs = state.needs();
    if (needs.column_sums) o.column_sums = column;
    if (needs.probe_row) o.probe_row = column;
    if (needs.value_norms) o.value_norms = column;
    if (needs.out_magnitude) o.out_magnitude = head(layer, h);
    state.observe(o);
  }
}

/// Runs the layers of one pass; returns the tokens that entered each.
std::vector<Ids> run_pass(
    CascadeState& state, std::uint32_t layers, std::uint32_t rows, const TokenEvidence& token,
    const HeadEvidence& head = [](auto, auto) { return 1.0; }) {
  std::vector<Ids> entered;
  for (std::uint32_t layer = 0; layer < layers; ++layer) {
    entered.push_back(state.alive_tokens());
    observe_layer(state, layer, rows, token, head);
    state.end_layer(layer);
  }
  return entered;
}

std::vector<std::uint8_t> plain(std::size_t count) { return std::vector<std::uint8_t>(count, 0); }
Ids range(std::uint32_t count) {
  Ids ids(count);
  std::iota(ids.begin(), ids.end(), 0u);
  return ids;
}

TEST(Cascade, DropsTokensAndHeadsAsInFigure4) {
  // 10 tokens, 8 heads; layer 1 drops token 2 and head 3, layer 2 drops tokens 7, 9 and head 7 (numbered from 1).
  Policy policy;
  policy.token.counts = {10, 9, 7};
  policy.head.counts = {8, 7, 6};
  CascadeState state(policy, {3, 8, 64, 512, false}, plain(10));
  const TokenEvidence token = [](std::uint32_t layer, std::uint32_t id) {
    const std::uint32_t number = id + 1;
    if (layer == 0) return number == 2 ? 0.1f : 1.0f;
    return number == 7 || number == 9 ? 0.1f : 1.0f;
  };
  const HeadEvidence head = [](std::uint32_t layer, std::uint32_t id) {
    return (layer == 0 && id + 1 == 3) || (layer == 1 && id + 1 == 7) ? 0.1 : 1.0;
  };

  observe_layer(state, 0, 10, token, head);
  const LayerDecision first = state.end_layer(0);
  EXPECT_TRUE(first.tokens_changed);
  EXPECT_TRUE(first.heads_changed);
  EXPECT_THAT(first.kept_positions, ElementsAre(0, 2, 3, 4, 5, 6, 7, 8, 9));
  EXPECT_THAT(first.kept_heads, ElementsAre(0, 1, 3, 4, 5, 6, 7));

  observe_layer(state, 1, 9, token, head);
  const LayerDecision second = state.end_layer(1);
  EXPECT_THAT(second.kept_positions, ElementsAre(0, 1, 2, 3, 4, 6, 8));  // of the nine that were left
  EXPECT_THAT(second.kept_head_positions, ElementsAre(0, 1, 2, 3, 4, 6));
  EXPECT_THAT(state.alive_tokens(), ElementsAre(0, 2, 3, 4, 5, 7, 9));
  EXPECT_THAT(state.alive_heads(), ElementsAre(0, 1, 3, 4, 5, 7));

  observe_layer(state, 2, 7, token, head);
  const LayerDecision last = state.end_layer(2);
  EXPECT_FALSE(last.tokens_changed);
  EXPECT_EQ(last.kept_positions, range(7));
}

TEST(Cascade, DensePolicyChangesNothingAndNeedsNothing) {
  CascadeState state(Policy{}, {4, 2, 8, 64, false}, plain(5));
  const ObservationNeeds needs = state.needs();
  EXPECT_FALSE(needs.column_sums || needs.probe_row || needs.value_norms || needs.out_magnitude);
  EXPECT_THAT(run_pass(state, 4, 5, [](auto, auto) { return 0.0f; }), Each(range(5)));
  EXPECT_EQ(state.value_count(0, 5), 5u);
}

TEST(Cascade, AsksOnlyForWhatThePolicyReads) {
  Policy policy;
  policy.token.keep = 0.5;
  policy.token.importance = Importance::kProbe;
  policy.head.keep = 0.5;
  const ObservationNeeds needs = CascadeState(policy, {4, 2, 8, 64, false}, plain(5)).needs();
  EXPECT_TRUE(needs.probe_row && needs.out_magnitude);
  EXPECT_FALSE(needs.column_sums || needs.value_norms);
  policy.token.generation = false;  // a decoder that prunes neither prompt nor generation ranks nothing
  EXPECT_FALSE(CascadeState(policy, {4, 2, 8, 64, true}, plain(5)).needs().probe_row);
}

TEST(Cascade, OneTokenAndOneHeadSurviveAnything) {
  Policy policy;
  policy.token.ratios = {1, 0.001, 0.001};
  policy.head.ratios = {1, 0.001, 0.001};
  policy.token.protect.cls = false;
  CascadeState state(policy, {3, 4, 8, 64, false}, plain(6));
  const auto entered = run_pass(
      state, 3, 6, [](auto, std::uint32_t id) { return id == 4 ? 1.0f : 0.5f; },
      [](auto, std::uint32_t h) { return h == 2 ? 1.0 : 0.5; });
  EXPECT_THAT(entered[1], ElementsAre(4u));
  EXPECT_THAT(entered[2], ElementsAre(4u));
  EXPECT_THAT(state.alive_heads(), ElementsAre(2u));

  CascadeState single(policy, {3, 4, 8, 64, false}, plain(1));
  EXPECT_THAT(run_pass(single, 3, 1, [](auto, auto) { return 1.0f; }), Each(Ids{0}));
}

TEST(Cascade, KeepsTheFirstOfEqualTokens) {
  Policy policy;
  policy.token.counts = {6, 3};
  CascadeState state(policy, {2, 1, 8, 64, false}, plain(6));
  EXPECT_THAT(run_pass(state, 2, 6, [](auto, auto) { return 1.0f; })[1], ElementsAre(0, 1, 2));
}

TEST(Cascade, ProtectsMarkedTokens) {
  const std::vector<std::uint8_t> flags{kClsToken | kSpecialToken, 0, kSepToken | kSpecialToken, 0, kSpecialToken, 0};
  const TokenEvidence later_is_better = [](auto, std::uint32_t id) { return static_cast<float>(id); };
  Policy policy;
  policy.token.counts = {6, 3};
  const ModelShape shape{2, 1, 8, 64, false};
  const auto kept = [&] {
    CascadeState state(policy, shape, flags);
    return run_pass(state, 2, 6, later_is_better)[1];
  };
  EXPECT_THAT(kept(), ElementsAre(0, 4, 5));  // [CLS] by default
  policy.token.protect.cls = false;
  EXPECT_THAT(kept(), ElementsAre(3, 4, 5));
  policy.token.protect.sep = true;
  EXPECT_THAT(kept(), ElementsAre(2, 4, 5));
  policy.token.protect.special = true;
  EXPECT_THAT(kept(), ElementsAre(0, 2, 4));
  policy.token.protect.first = 2;
  EXPECT_THAT(kept(), ElementsAre(0, 1, 2, 4));  // more than the budget: all of them stay
  policy.token.protect = {.cls = false, .last = 2};
  EXPECT_THAT(kept(), ElementsAre(3, 4, 5));
  policy.token.protect = {.cls = false, .recent = 0.67};  // floor(0.67 * 3) = 2 newest
  CascadeState state(policy, shape, flags);
  EXPECT_THAT(run_pass(state, 2, 6, [](auto, std::uint32_t id) { return -static_cast<float>(id); })[1],
              ElementsAre(0, 4, 5));
}

TEST(Cascade, FindsTheProbeRow) {
  Policy policy;
  policy.token.importance = Importance::kProbe;
  policy.token.keep = 0.5;
  EXPECT_EQ(CascadeState(policy, {4, 2, 8, 64, false}, std::vector<std::uint8_t>{0, kClsToken, 0}).probe_row(3), 1u);
  EXPECT_EQ(CascadeState(policy, {4, 2, 8, 64, false}, plain(3)).probe_row(3), 0u);
  EXPECT_EQ(CascadeState(policy, {4, 2, 8, 64, true}, plain(3)).probe_row(3), 2u);
}

constexpr ModelShape kDecoder{3, 2, 8, 64, true};
const TokenEvidence kEarlierIsBetter = [](auto, std::uint32_t id) { return 1.0f / static_cast<float>(id + 1); };

Policy generation_policy() {
  Policy policy;
  policy.token.counts = {6, 4, 2};
  policy.token.protect.cls = false;
  return policy;
}

std::vector<Ids> next_iteration(CascadeState& state, const TokenEvidence& evidence = kEarlierIsBetter) {
  state.append_token();
  state.begin_iteration();
  return run_pass(state, kDecoder.layers, 1, evidence);
}

TEST(Cascade, LeavesPromptAndFirstIterationAloneByDefault) {
  CascadeState state(generation_policy(), kDecoder, plain(8));
  EXPECT_THAT(run_pass(state, 3, 8, kEarlierIsBetter), Each(range(8)));
  EXPECT_THAT(next_iteration(state), Each(range(9)));
  EXPECT_THAT(next_iteration(state), ElementsAre(Ids{0, 1, 2, 3, 4, 9}, Ids{0, 1, 2, 9}, Ids{0, 9}));
}

TEST(Cascade, ReopensEveryIterationAndRanksByPersistedScores) {
  Policy policy = generation_policy();
  policy.token.first_iteration = 0;
  CascadeState state(policy, kDecoder, plain(8));
  run_pass(state, 3, 8, kEarlierIsBetter);
  EXPECT_THAT(next_iteration(state)[0], ElementsAre(0, 1, 2, 3, 4, 8));
  EXPECT_THAT(state.evicted_from(), Each(3u));  // nothing is gone for good
  // Token 5 was pruned; strong scores for the early ones persist, so it stays out, until evidence favours it.
  EXPECT_THAT(next_iteration(state)[0], ElementsAre(0, 1, 2, 3, 4, 9));
  EXPECT_EQ(state.length(), 10u);
}

TEST(Cascade, ReopenLetsAPrunedTokenReturnInTheNextIteration) {
  Policy policy = generation_policy();
  policy.token.first_iteration = 0;
  policy.token.counts = {9, 2, 2};
  CascadeState state(policy, kDecoder, plain(8));
  run_pass(state, 3, 8, kEarlierIsBetter);
  const auto first =
      next_iteration(state, [](std::uint32_t layer, std::uint32_t id) { return layer == 0 && id == 1 ? 0.9f : 0.0f; });
  EXPECT_THAT(first[1], ElementsAre(0, 8));
  const auto second =
      next_iteration(state, [](std::uint32_t layer, std::uint32_t id) { return layer == 0 && id == 1 ? 20.0f : 0.0f; });
  EXPECT_THAT(second[1], ElementsAre(1, 9));
}

TEST(Cascade, PermanentEvictionNeverBringsATokenBack) {
  Policy policy = generation_policy();
  policy.token.first_iteration = 0;
  policy.token.eviction = Eviction::kPermanent;
  CascadeState state(policy, kDecoder, plain(8));
  run_pass(state, 3, 8, kEarlierIsBetter);
  EXPECT_THAT(next_iteration(state), ElementsAre(Ids{0, 1, 2, 3, 4, 8}, Ids{0, 1, 2, 8}, Ids{0, 8}));
  EXPECT_THAT(state.evicted_from(), ElementsAre(3, 2, 2, 1, 1, 0, 0, 0, 3));
  // Even overwhelming evidence for token 3 leaves it out of layers 1 and 2.
  const auto entered = next_iteration(state, [](auto, std::uint32_t id) { return id == 3 ? 100.0f : 0.01f; });
  EXPECT_THAT(entered[0], ElementsAre(0, 1, 2, 3, 4, 9));
  EXPECT_THAT(entered[1], ElementsAre(0, 1, 2, 9));
  EXPECT_THAT(entered[2], ElementsAre(0, 9));
  EXPECT_EQ(state.evicted_from()[8], 0u);  // yesterday's newest had no standing
}

TEST(Cascade, PromptPruningLeavesNoKeysBehindEvenWhenReopening) {
  Policy policy = generation_policy();
  policy.token.prompt = true;
  CascadeState state(policy, kDecoder, plain(8));
  EXPECT_THAT(run_pass(state, 3, 8, kEarlierIsBetter), ElementsAre(range(8), Ids{0, 1, 2, 7}, Ids{0, 7}));
  EXPECT_THAT(state.evicted_from(), ElementsAre(3, 2, 2, 1, 1, 1, 1, 3));
  // Iteration 0 prunes nothing more, but what was never projected cannot return.
  EXPECT_THAT(next_iteration(state), ElementsAre(range(9), Ids{0, 1, 2, 7, 8}, Ids{0, 7, 8}));
}

TEST(Cascade, ASecondPromptContinuesTheSequence) {
  Policy policy = generation_policy();
  policy.token.first_iteration = 0;
  policy.token.eviction = Eviction::kPermanent;
  CascadeState state(policy, kDecoder, {});
  EXPECT_EQ(state.length(), 0u);
  state.begin_prompt(plain(8));
  run_pass(state, 3, 8, kEarlierIsBetter);
  next_iteration(state);
  state.begin_prompt(plain(2));
  EXPECT_EQ(state.length(), 11u);
  EXPECT_THAT(run_pass(state, 3, 2, kEarlierIsBetter),
              ElementsAre(Ids{0, 1, 2, 3, 4, 8, 9, 10}, Ids{0, 1, 2, 8, 9, 10}, Ids{0, 8, 9, 10}));
}

TEST(Cascade, AlwaysKeepsTheCurrentToken) {
  Policy policy = generation_policy();
  policy.token.counts = {1, 1, 1};
  policy.token.first_iteration = 0;
  CascadeState state(policy, kDecoder, plain(4));
  run_pass(state, 3, 4, kEarlierIsBetter);
  EXPECT_THAT(next_iteration(state), Each(Ids{4}));
  EXPECT_THAT(next_iteration(state), Each(Ids{5}));
}

TEST(Cascade, RescalesScoresBetweenIterations) {
  Policy policy = generation_policy();
  policy.token.rescale = 0.5;
  CascadeState state(policy, kDecoder, plain(2));
  run_pass(state, 3, 2, [](auto, auto) { return 1.0f; });  // 3 layers x 2 heads
  EXPECT_DOUBLE_EQ(state.token_scores()[0], 6);
  next_iteration(state, [](auto, auto) { return 0.0f; });  // the prompt's scores count in full once
  EXPECT_DOUBLE_EQ(state.token_scores()[0], 6);
  next_iteration(state, [](auto, auto) { return 0.0f; });
  EXPECT_DOUBLE_EQ(state.token_scores()[0], 3);
}

TEST(Cascade, LastLayerForgetsTheLayerOfThePassBefore) {
  Policy policy;
  policy.token.importance = Importance::kLastLayer;
  policy.token.ratios = {0.5};
  policy.token.first_iteration = 9;
  CascadeState state(policy, {1, 1, 8, 64, true}, plain(2));
  run_pass(state, 1, 2, [](auto, auto) { return 3.0f; });
  state.append_token();
  state.begin_iteration();
  run_pass(state, 1, 1, [](auto, auto) { return 2.0f; });
  EXPECT_THAT(state.token_scores(), Each(2.0));  // not 5: the only layer of another pass
}

TEST(Cascade, HeadsStartAgainInEveryPass) {
  Policy policy;
  policy.head.counts = {2, 1, 1};
  CascadeState state(policy, kDecoder, plain(3));
  const HeadEvidence second_head = [](auto, std::uint32_t h) { return h == 1 ? 2.0 : 1.0; };
  const TokenEvidence none = [](auto, auto) { return 0.0f; };
  run_pass(state, 3, 3, none, second_head);
  EXPECT_THAT(state.alive_heads(), ElementsAre(0, 1));  // the prompt keeps its heads
  state.append_token();
  state.begin_iteration();
  run_pass(state, 3, 1, none, second_head);
  EXPECT_THAT(state.alive_heads(), ElementsAre(1));
  state.append_token();
  state.begin_iteration();
  EXPECT_THAT(state.alive_heads(), ElementsAre(0, 1));
  EXPECT_THAT(state.head_scores(), Each(0.0));
}

TEST(Cascade, HeadScoresPersistWhenAsked) {
  Policy policy;
  policy.head.counts = {1, 1, 1};
  policy.head.reset_scores = false;
  CascadeState state(policy, kDecoder, plain(3));
  const TokenEvidence none = [](auto, auto) { return 0.0f; };
  run_pass(state, 3, 3, none, [](auto, std::uint32_t h) { return h == 1 ? 2.0 : 1.0; });
  state.append_token();
  state.begin_iteration();
  EXPECT_THAT(state.alive_heads(), ElementsAre(1));
}

TEST(Cascade, RefusesStepsOutOfOrder) {
  CascadeState state(generation_policy(), kDecoder, plain(3));
  EXPECT_THROW(state.end_layer(1), Bug);
  state.end_layer(0);
  EXPECT_THROW(state.observe({.layer = 0}), Bug);
}

/// All that holds whatever the policy: layers shrink, protected tokens and the newest stay, budgets are kept.
class CascadeProperty : public testing::TestWithParam<std::pair<Importance, std::string>> {
 protected:
  Policy random_policy(Random& random) const {
    Policy policy;
    policy.token.importance = GetParam().first;
    policy.token.ratios = falling(random);
    policy.head.ratios = falling(random);
    policy.token.prompt = random.below(2) == 0;
    policy.head.prompt = random.below(2) == 0;
    policy.head.reset_scores = random.below(2) == 0;
    policy.token.eviction = random.below(2) == 0 ? Eviction::kPermanent : Eviction::kReopen;
    policy.token.first_iteration = static_cast<std::uint32_t>(random.below(3));
    policy.token.rescale = random.below(2) == 0 ? 1.0 : 0.9;
    policy.token.protect = {.cls = random.below(2) == 0,
                            .sep = random.below(4) == 0,
                            .first = static_cast<std::uint32_t>(random.below(3)),
                            .last = static_cast<std::uint32_t>(random.below(3)),
                            .recent = 0.5 * random.uniform()};
    return policy;
  }
  static std::vector<double> falling(Random& random) {
    std::vector<double> ratios(kLayers);
    double ratio = 1;
    for (double& r : ratios) r = ratio *= 0.3 + 0.7 * random.uniform();
    return ratios;
  }
  static constexpr std::uint32_t kLayers = 5, kHeads = 4;
};

TEST_P(CascadeProperty, PrunedTokensNeverReturnAndBudgetsHold) {
  Random random(31);
  for (int round = 0; round < 150; ++round) {
    const Policy policy = random_policy(random);
    const bool causal = random.below(2) == 0;
    std::vector<std::uint8_t> flags(1 + random.below(20));
    for (std::uint8_t& f : flags) f = static_cast<std::uint8_t>(random.below(8) == 0 ? kSepToken : 0);
    flags[0] = kClsToken;
    CascadeState state(policy, {kLayers, kHeads, 8, 64, causal}, flags, static_cast<std::uint64_t>(round));
    const int passes = causal ? 6 : 1;
    std::vector<std::set<std::uint32_t>> gone(kLayers);  // per layer, in a permanent policy
    for (int pass = 0; pass < passes; ++pass) {
      if (pass > 0) {
        state.append_token();
        state.begin_iteration();
      }
      const bool first_pass = pass == 0;
      Ids before = range(static_cast<std::uint32_t>(state.length()));
      std::size_t heads_before = kHeads;
      for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
        const Ids alive = state.alive_tokens();
        ASSERT_TRUE(std::is_sorted(alive.begin(), alive.end()));
        ASSERT_TRUE(std::includes(before.begin(), before.end(), alive.begin(), alive.end()));
        ASSERT_FALSE(alive.empty());
        ASSERT_FALSE(state.alive_heads().empty());
        ASSERT_LE(state.alive_heads().size(), std::min<std::size_t>(heads_before, state.schedule().heads[layer]));
        if (causal) {
          ASSERT_EQ(alive.back(), state.length() - 1);
        }
        if (policy.token.protect.cls && (!causal || policy.token.eviction == Eviction::kReopen)) {
          ASSERT_EQ(alive.front(), 0u);
        }
        const std::size_t protect_at_most = flags.size() + policy.token.protect.first + policy.token.protect.last + 1;
        ASSERT_LE(alive.size(), std::max<std::size_t>(state.schedule().tokens[layer], protect_at_most));
        for (const std::uint32_t token : alive) {
          ASSERT_GT(state.evicted_from()[token], layer);
          ASSERT_FALSE(gone[layer].contains(token));
        }
        if (causal && policy.token.eviction == Eviction::kPermanent) {
          for (std::uint32_t token = 0; token < state.length(); ++token) {
            if (!std::binary_search(alive.begin(), alive.end(), token)) gone[layer].insert(token);
          }
        }
        observe_layer(
            state, layer, first_pass ? static_cast<std::uint32_t>(alive.size()) : 1,
            [&](auto, auto) { return static_cast<float>(random.uniform()); },
            [&](auto, auto) { return random.uniform(); });
        heads_before = state.alive_heads().size();
        const LayerDecision decision = state.end_layer(layer);
        Ids kept;
        for (const std::uint32_t position : decision.kept_positions) kept.push_back(alive.at(position));
        ASSERT_EQ(kept, state.alive_tokens());
        ASSERT_EQ(decision.tokens_changed, kept.size() != alive.size());
        ASSERT_EQ(decision.kept_heads, state.alive_heads());
        ASSERT_EQ(decision.heads_changed, state.alive_heads().size() != heads_before);
        before = alive;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, CascadeProperty, testing::ValuesIn(enum_names(Importance{})),
                         [](const auto& test) { return test.param.second; });

TEST(Cascade, KeepsTheCacheAtItsShareWhenEvictionIsPermanent) {
  Policy policy;
  policy.token.steps = {{-1, 0.25}};
  policy.token.eviction = Eviction::kPermanent;
  policy.token.first_iteration = 0;
  policy.token.protect = {.cls = false, .first = 1, .recent = 0.5};
  CascadeState state(policy, kDecoder, plain(40));
  Random random(1);
  const TokenEvidence noise = [&](auto, auto) { return static_cast<float>(random.uniform()); };
  run_pass(state, 3, 40, noise);
  for (int i = 0; i < 100; ++i) {
    next_iteration(state, noise);
    for (std::uint32_t layer = 0; layer < 3; ++layer) {
      const auto held = std::count_if(state.evicted_from().begin(), state.evicted_from().end(),
                                      [&](std::uint32_t from) { return from > layer; });
      ASSERT_EQ(static_cast<std::size_t>(held), state.length() / 4);
    }
  }
}

}  // namespace
}  // namespace spatten::algo

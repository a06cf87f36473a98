// SPDX-License-Identifier: Apache-2.0
// Decoding with a cache: it says what recomputing the whole prefix would say, evicted memory is given back, and what was
// pruned stays away as long as the policy says.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/on_every_target.h"
#include "support/random_model.h"

namespace spatten {
namespace {

using Ids = std::vector<std::uint32_t>;

bool contains(const Ids& all, const Ids& some) { return std::includes(all.begin(), all.end(), some.begin(), some.end()); }

class Generation : public kernels::OnEveryTarget {
 protected:
  RunOptions options_of(const algo::Policy& policy) {
    RunOptions options;
    options.threads = &threads_;
    options.policy = &policy;
    options.record_pruning = true;
    return options;
  }
  OwnedMatrix<float> extend(Decoder& decoder, const std::vector<std::int32_t>& ids, const RunOptions& options) {
    return extend(gpt2_.model, decoder, ids, options);
  }
  static OwnedMatrix<float> extend(const Gpt2& model, Decoder& decoder, const std::vector<std::int32_t>& ids, const RunOptions& options) {
    Decoder* const one[] = {&decoder};
    return model.extend(one, {&ids, 1}, options);
  }
  /// Per step, ascending: largest difference between the logits with the cache and those of one pass over the prefix.
  std::vector<double> cache_errors(const algo::Policy& policy, std::uint64_t seed) { return cache_errors(gpt2_.model, policy, seed); }
  std::vector<double> cache_errors(const Gpt2& model, const algo::Policy& policy, std::uint64_t seed) {
    const RunOptions options = options_of(policy);
    Random random(seed);
    std::vector<std::int32_t> prefix = random_ids(random, 14);
    Decoder decoder = model.start(options);
    extend(model, decoder, prefix, options);
    std::vector<double> errors;
    for (int i = 0; i < 12; ++i) {
      prefix.push_back(random_ids(random, 1)[0]);
      const OwnedMatrix<float> cached = extend(model, decoder, {prefix.back()}, options);
      Decoder fresh = model.start(options);
      const OwnedMatrix<float> whole = extend(model, fresh, prefix, options);
      double largest = 0;
      for (std::size_t c = 0; c < cached.cols(); ++c) {
        largest = std::max(largest, static_cast<double>(std::abs(cached(0, c) - whole(0, c))));
      }
      errors.push_back(largest);
    }
    std::sort(errors.begin(), errors.end());
    return errors;
  }

  /// Largest difference between the logits of two models over the positions of a text.
  double distance(const Gpt2& a, const Gpt2& b, const algo::Policy& policy) {
    const RunOptions options = options_of(policy);
    Random random(3);
    const std::vector<std::int32_t> ids = random_ids(random, 26);
    Decoder of_a = a.start(options), of_b = b.start(options);
    const OwnedMatrix<float> x = a.extend_all_logits(of_a, ids, options), y = b.extend_all_logits(of_b, ids, options);
    double largest = 0;
    for (std::size_t r = 0; r < x.rows(); ++r) {
      for (std::size_t c = 0; c < x.cols(); ++c) largest = std::max(largest, std::abs(double{x(r, c)} - double{y(r, c)}));
    }
    return largest;
  }

  ThreadPool threads_{2};
  RandomModel<Gpt2> gpt2_{random_gpt2_config({3, 3, 64}), 11, threads_};
};
SPATTEN_ON_EVERY_CHOICE_OF_TARGET(Generation);

TEST_P(Generation, EqualsRecomputingThePrefix) {
  EXPECT_LT(cache_errors(policy_of("none"), 1).back(), 1e-4);
}

// A row's width and scale do not depend on the pass in which it entered the cache. The two ways sum in another order; that
// noise may move one integer of Q, K or V by a level: 3 sigma / 127 of an element, a hundredth of it in a logit.
TEST_P(Generation, EqualsRecomputingThePrefixWhenQuantized) {
  for (const char* preset : {"static-8", "progressive-8-4", "progressive-6-4"}) {
    const std::vector<double> errors = cache_errors(policy_of(preset), 2);
    EXPECT_LT(errors[errors.size() / 2], 1e-4) << preset;
    EXPECT_LT(errors.back(), 5e-3) << preset;
  }
}

// As above, in every product: noise may move an input to the next bf16 or int8, and what is moved moves others. Both ways are as
// far from fp32 as the precision takes them, so from each other twice that at most; some steps see nothing of it.
TEST_P(Generation, EqualsRecomputingThePrefixInEveryPrecision) {
  for (const Precision precision : {Precision::kBf16, Precision::kInt8}) {
    SCOPED_TRACE(precision == Precision::kBf16 ? "bf16" : "int8");
    const RandomModel<Gpt2> rounded(random_gpt2_config({3, 3, 64}), 11, threads_, precision);
    for (const char* preset : {"none", "static-8"}) {
      const algo::Policy policy = policy_of(preset);
      const std::vector<double> errors = cache_errors(rounded.model, policy, 3);
      EXPECT_LT(errors.front(), 1e-4) << preset;
      EXPECT_LT(errors.back(), 2 * distance(gpt2_.model, rounded.model, policy)) << preset;
    }
  }
}

TEST_P(Generation, EqualsRecomputingThePrefixWhenValuesArePruned) {
  EXPECT_LT(cache_errors(policy_of("none", {"value.keep=0.4"}), 3).back(), 1e-4);
}

TEST_P(Generation, GivesBackTheMemoryOfEvictedTokens) {
  for (const auto& [preset, share] : {std::pair("kv-2x", 0.5), {"kv-4x", 0.25}}) {
    SCOPED_TRACE(preset);
    const algo::Policy policy = policy_of(preset);
    const RunOptions options = options_of(policy);
    Random random(4);
    Decoder decoder = gpt2_.model.start(options);
    extend(decoder, random_ids(random, 80), options);
    EXPECT_GE(decoder.kv_bytes(), decoder.kv_bytes_dense());
    for (int i = 0; i < 4; ++i) extend(decoder, random_ids(random, 1), options);
    EXPECT_EQ(decoder.length(), 84u);
    const double ratio = static_cast<double>(decoder.kv_bytes()) / static_cast<double>(decoder.kv_bytes_dense());
    EXPECT_GE(ratio, share * 0.95);
    EXPECT_LE(ratio, share * 1.25 + 0.05);
  }
}

TEST_P(Generation, KeepsQuantizedRowsInTheirWidth) {
  const algo::Policy policy = policy_of("static-8");
  const RunOptions options = options_of(policy);
  Random random(4);
  Decoder decoder = gpt2_.model.start(options);
  extend(decoder, random_ids(random, 80), options);
  // A row of 64 bytes and its scale of 4, in place of 256 bytes; vectors may reserve up to twice of it.
  EXPECT_GE(decoder.kv_bytes() * 256, decoder.kv_bytes_dense() * 68);
  EXPECT_LE(decoder.kv_bytes() * 256, decoder.kv_bytes_dense() * 136);
}

TEST_P(Generation, NeverBringsBackAnEvictedToken) {
  for (const char* preset : {"kv-2x", "kv-4x"}) {
    const algo::Policy policy = policy_of(preset, {"token.prompt=true"});
    const RunOptions options = options_of(policy);
    Random random(5);
    Decoder decoder = gpt2_.model.start(options);
    extend(decoder, random_ids(random, 40), options);
    std::vector<Ids> before = decoder.report().pruning.survivors;
    for (std::uint32_t token = 40; token < 60; ++token) {
      extend(decoder, random_ids(random, 1), options);
      const std::vector<Ids> now = decoder.report().pruning.survivors;
      for (std::size_t l = 0; l < now.size(); ++l) {
        Ids allowed = before[l];
        allowed.push_back(token);
        EXPECT_TRUE(contains(allowed, now[l])) << preset << ", layer " << l << ", token " << token;
        EXPECT_EQ(now[l].front(), 0u) << "the first token is protected";
        EXPECT_EQ(now[l].back(), token) << "the newest token is the query";
      }
      before = now;
    }
  }
}

TEST_P(Generation, BringsBackPrunedTokensWhenReopened) {
  const algo::Policy policy = policy_of("none", {R"(token.steps=[{"after_layer":0,"keep":0.4}])"});
  const RunOptions options = options_of(policy);
  Random random(6);
  Decoder decoder = gpt2_.model.start(options);
  extend(decoder, random_ids(random, 30), options);
  for (int i = 0; i < 4; ++i) extend(decoder, random_ids(random, 1), options);
  const std::vector<Ids>& survivors = decoder.report().pruning.survivors;
  EXPECT_EQ(survivors[0].size(), 34u);
  EXPECT_EQ(survivors[1].size(), 13u);
  EXPECT_EQ(decoder.kv_bytes_dense(), 34u * 3 * 2 * 192 * sizeof(float));
  EXPECT_GE(decoder.kv_bytes(), decoder.kv_bytes_dense());
}

TEST(Cascade, OnlyTakesAwayFromLayerToLayer) {
  ThreadPool threads(2);
  const RandomModel<Bert> bert(random_bert_config({4, 4, 32}), 11, threads);
  const algo::Policy policy = policy_of("tokens-half", {"head.keep=0.5", "token.protect.sep=true"});
  RunOptions options;
  options.threads = &threads;
  options.policy = &policy;
  options.record_pruning = true;
  Random random(1);
  for (int i = 0; i < 20; ++i) {
    const Encoding input = random_encoding(random, 1 + random.below(kRandomPositions));
    const PruningReport report = bert.model.encode({&input, 1}, options).reports[0].pruning;
    for (std::size_t l = 0; l < 4; ++l) {
      const std::size_t before = l == 0 ? 0 : l - 1;
      EXPECT_TRUE(contains(report.survivors[before], report.survivors[l]));
      EXPECT_TRUE(contains(report.heads[before], report.heads[l]));
      for (std::uint32_t t = 0; t < input.size(); ++t) {
        const bool is_protected = (input.flags[t] & (kCls | kSep)) != 0;
        EXPECT_TRUE(!is_protected || contains(report.survivors[l], {t})) << "layer " << l << ", token " << t;
      }
    }
  }
}

}  // namespace
}  // namespace spatten

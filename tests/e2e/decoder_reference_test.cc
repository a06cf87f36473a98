// SPDX-License-Identifier: Apache-2.0
// Gpt2::extend against the reference decoder, pass by pass: a prompt, iterations of generation, a second prompt pass over
// the filled cache, more iterations.
#include <gmock/gmock.h>

#include "e2e/agreement.h"

namespace spatten {
namespace {

const std::vector<PolicyCase> kPolicies{
    {"none", "none", {}},
    {"reopened", "tokens-half", {}},
    {"reopened_at_once", "tokens-half", {"token.first_iteration=0"}},
    {"steps_from_the_first_layer", "none", {R"(token.steps=[{"after_layer":-1,"keep":0.8},{"after_layer":0,"keep":0.3}])"}},
    {"counts", "none", {"token.counts=[9,6,3]"}},
    {"permanent_half", "kv-2x", {}},
    {"permanent_quarter", "kv-4x", {}},
    {"permanent_deeper_layers", "tokens-half", {"token.eviction=permanent", "token.first_iteration=0"}},
    {"prompt", "tokens-half", {"token.prompt=true"}},
    {"prompt_alone", "tokens-half", {"token.prompt=true", "token.generation=false"}},
    {"prompt_after_attention", "tokens-half", {"token.prompt=true", "token.point=after_attention"}},
    {"prompt_permanent", "kv-2x", {"token.prompt=true"}},
    {"rescaled", "tokens-half", {"token.rescale=0.5"}},
    {"normalised", "tokens-half", {"token.importance=normalised", "token.prompt=true", "token.rescale=0.5"}},
    {"last_layer", "tokens-half", {"token.importance=last_layer", "token.prompt=true"}},
    {"probe", "tokens-half", {"token.importance=probe", "token.prompt=true"}},
    {"value_weighted", "tokens-half", {"token.importance=value_weighted", "token.prompt=true"}},
    {"random", "tokens-half", {"token.importance=random"}},
    {"recent", "tokens-half", {"token.importance=recent"}},
    {"heads", "none", {"head.keep=0.5"}},
    {"heads_in_the_prompt", "none", {"head.keep=0.5", "head.prompt=true"}},
    {"heads_across_passes", "none", {"head.counts=[2,2,1]", "head.reset_scores=false"}},
    {"values", "none", {"value.keep=0.3"}},
    {"values_of_a_budget", "none", {"value.keep=0.2", "value.reference_length=30"}},
    {"values_of_a_token_budget", "tokens-half", {"value.keep=0.2", "value.reference_length=30"}},
    {"everything", "tokens-half", {"token.prompt=true", "head.keep=0.6", "head.prompt=true", "value.keep=0.5"}},
    {"static_8", "static-8", {}},
    {"values_alone_8", "none", {"quantization.value_bits=8"}},
    {"progressive_8_4", "progressive-8-4", {}},
    {"progressive_6_4", "progressive-6-4", {}},
    {"progressive_4_4", "progressive-8-4", {"quantization.msb_bits=4"}},
    {"progressive_never", "progressive-8-4", {"quantization.threshold=0"}},
    {"progressive_always", "progressive-8-4", {"quantization.threshold=1"}},
    {"progressive_permanent", "kv-2x", {"quantization.msb_bits=8", "quantization.value_bits=8"}},
    {"paper", "paper-gpt2", {}},
};

const std::vector<std::size_t> kPasses{12, 1, 1, 1, 5, 1, 1};

/// What the reference said after one pass.
struct Moment {
  std::vector<std::int32_t> ids;
  reference::Vector logits;  // after the last token
  reference::Account account;
  std::uint64_t kv_rows = 0;  // of all layers
};

class DecoderAgrees : public testing::TestWithParam<PolicyCase> {
 protected:
  DecoderAgrees() : policy_(policy_of(GetParam().preset, GetParam().overrides)), noise_(noise_of(policy_)) {}

  void check(const RandomShape& shape, const std::vector<std::size_t>& passes) {
    SCOPED_TRACE(to_string(shape));
    const RandomModel<Gpt2> gpt2(random_gpt2_config(shape), 3, threads_);
    Random random(passes[0]);
    std::vector<Moment> expected;
    int tries = 0;
    do {
      ASSERT_LT(tries++, 60) << "no input without near ties";
      expected = run_reference(gpt2.checkpoint, passes, random);
    } while (!is_clear(expected.back().account.margins, noise_, policy_.quantized()));
    compare(gpt2.model, expected);
  }

 private:
  std::vector<Moment> run_reference(const Checkpoint& checkpoint, const std::vector<std::size_t>& passes, Random& random) {
    reference::Decoder decoder(checkpoint, policy_);
    std::vector<Moment> out;
    for (const std::size_t tokens : passes) {
      Moment& m = out.emplace_back();
      m.ids = random_ids(random, tokens);
      m.logits = decoder.extend(m.ids).back();
      m.account = decoder.account();
      m.account.work.ops_executed += out.size() * decoder.head_ops(1);
      m.account.work.ops_dense_equivalent += out.size() * decoder.head_ops(1);
      for (std::size_t l = 0; l < checkpoint.config().layers; ++l) m.kv_rows += decoder.cached_rows(l);
    }
    return out;
  }

  void compare(const Gpt2& gpt2, const std::vector<Moment>& expected) {
    RunOptions options;
    options.threads = &threads_;
    options.policy = &policy_;
    options.record_pruning = true;
    Decoder decoder = gpt2.start(options);
    Decoder* const one[] = {&decoder};
    for (std::size_t pass = 0; pass < expected.size(); ++pass) {
      SCOPED_TRACE(fmt::format("pass {}", pass));
      const Moment& m = expected[pass];
      const OwnedMatrix<float> logits = gpt2.extend(one, {&m.ids, 1}, options);
      // A logit sums some hundred products with embeddings of size 0.5.
      EXPECT_LT(largest_difference(logits.view().row_span(0), m.logits), 4 * noise_.states);
      expect_same_work(decoder.report(), m.account, policy_);
      if (needs_cascade(&policy_)) expect_same_pruning(decoder.report(), m.account, noise_);
      if (!policy_.quantized()) expect_memory(decoder, gpt2.config(), m.kv_rows);
    }
  }

  /// What the rows need, and at most a quarter and one row more in each head.
  static void expect_memory(const Decoder& decoder, const ModelConfig& config, std::uint64_t rows) {
    const std::uint64_t row_bytes = 2 * config.hidden * sizeof(float);
    EXPECT_GE(decoder.kv_bytes(), rows * row_bytes);
    EXPECT_LE(decoder.kv_bytes(), (rows * 5 / 4 + 2 * config.layers) * row_bytes);
  }

  ThreadPool threads_{2};
  algo::Policy policy_;
  Noise noise_;
};

TEST_P(DecoderAgrees, OnThreeHeads) { check({3, 3, 32}, kPasses); }
TEST_P(DecoderAgrees, OnHeadsOf64) { check({3, 2, 64}, {20, 1, 1, 1, 1}); }
TEST_P(DecoderAgrees, WhenFedTokenByToken) { check({3, 2, 32}, {1, 1, 1, 1, 1, 1, 1, 1}); }

std::string name_of(const testing::TestParamInfo<PolicyCase>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Policies, DecoderAgrees, testing::ValuesIn(kPolicies), name_of);

TEST(Decoder, GivesTheLogitsOfEveryPromptToken) {
  ThreadPool threads(2);
  const RandomModel<Gpt2> gpt2(random_gpt2_config({2, 2, 32}), 5, threads);
  // Pruned prompt tokens answer with the state in which they left.
  const algo::Policy policy = policy_of("tokens-half", {"token.prompt=true", "token.importance=recent"});
  RunOptions options;
  options.threads = &threads;
  options.policy = &policy;
  Random random(1);
  const std::vector<std::int32_t> ids = random_ids(random, 15);
  reference::Decoder reference(gpt2.checkpoint, policy);
  const std::vector<reference::Vector> expected = reference.extend(ids);
  Decoder decoder = gpt2.model.start(options);
  const OwnedMatrix<float> logits = gpt2.model.extend_all_logits(decoder, ids, options);
  for (std::size_t t = 0; t < ids.size(); ++t) {
    EXPECT_LT(largest_difference(logits.view().row_span(t), expected[t]), 2e-4) << "token " << t;
  }
  EXPECT_EQ(decoder.report().work.ops_executed, reference.account().work.ops_executed + reference.head_ops(ids.size()));
}

}  // namespace
}  // namespace spatten

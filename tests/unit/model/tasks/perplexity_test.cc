// SPDX-License-Identifier: Apache-2.0
// Perplexity against one forward pass per predicted token.
#include "spatten/model/tasks/perplexity.h"

#include <gmock/gmock.h>

#include <cmath>

#include "spatten/trace/memory.h"
#include "spatten/trace/rules.h"
#include "unit/model/tasks/small_models.h"

namespace spatten {
namespace {

using testing::HasSubstr;

const std::string kText = "the cat sat on the mat, and then the other cat";

class PerplexityOfText : public testing::Test {
 protected:
  Perplexity run(std::size_t window, std::size_t stride) {
    settings_.window = window;
    settings_.stride = stride;
    return perplexity(m_.model, kText, settings_, m_.options);
  }
  /// -log p of ids[t] after ids[begin .. t-1].
  double nll(std::size_t begin, std::size_t t) {
    const std::vector<std::int32_t> context(ids_.begin() + static_cast<std::ptrdiff_t>(begin), ids_.begin() + static_cast<std::ptrdiff_t>(t));
    Decoder decoder = m_.model.gpt2->start(m_.options);
    Decoder* const one[] = {&decoder};
    const OwnedMatrix<float> logits = m_.model.gpt2->extend(one, {&context, 1}, m_.options);
    double sum = 0;
    for (std::size_t c = 0; c < logits.cols(); ++c) sum += std::exp(static_cast<double>(logits(0, c)));
    return std::log(sum) - static_cast<double>(logits(0, static_cast<std::size_t>(ids_[t])));
  }
  /// Each token once; beyond the first window, from the first later window that holds it.
  double total_nll(std::size_t window, std::size_t stride) {
    double total = 0;
    for (std::size_t t = 1; t < ids_.size(); ++t) total += nll(t < window ? 0 : ((t - window) / stride + 1) * stride, t);
    return total;
  }

  SmallModel m_{"GPT2LMHeadModel", 32};
  std::vector<std::int32_t> ids_ = m_.model.tokenizer->encode(kText).ids;
  PerplexityOptions settings_;
};

TEST_F(PerplexityOfText, PredictsEachTokenOnceFromItsWindow) {
  ASSERT_GT(ids_.size(), 32u);  // more than the longest window
  for (const auto& [window, stride] : {std::pair{32, 16}, {10, 5}, {10, 1}, {10, 9}, {2, 1}, {17, 4}}) {
    SCOPED_TRACE(fmt::format("window {}, stride {}", window, stride));
    const Perplexity p = run(static_cast<std::size_t>(window), static_cast<std::size_t>(stride));
    const double total = total_nll(static_cast<std::size_t>(window), static_cast<std::size_t>(stride));
    EXPECT_EQ(p.tokens, ids_.size() - 1);
    EXPECT_NEAR(p.nll_per_token, total / static_cast<double>(p.tokens), 1e-5);
    EXPECT_NEAR(p.perplexity, std::exp(p.nll_per_token), 1e-9 * p.perplexity);
  }
}

TEST_F(PerplexityOfText, CountsWordsAndBytesOfWhatItPredicts) {
  const Perplexity p = run(32, 16);
  const double total = p.nll_per_token * static_cast<double>(p.tokens);
  EXPECT_EQ(p.bytes, kText.size() - 3);  // without the first token, "the"
  EXPECT_EQ(p.words, 10u);
  EXPECT_NEAR(p.perplexity_per_word, std::exp(total / 10), 1e-6 * p.perplexity_per_word);
  EXPECT_NEAR(p.bits_per_byte, total / std::log(2.0) / static_cast<double>(p.bytes), 1e-9);
}

TEST_F(PerplexityOfText, TakesTheModelsLimitAndHalfOfItByDefault) {
  const Perplexity p = run(0, 0);
  EXPECT_EQ(p.window, 32u);
  EXPECT_EQ(p.stride, 16u);
}

TEST_F(PerplexityOfText, IsTheSameStepByStepWhenNothingIsPruned) {
  const Perplexity dense = run(20, 10);
  algo::Policy policy;
  policy.token.counts = {1000, 1000};
  m_.options.policy = &policy;
  const Perplexity stepped = run(20, 10);
  EXPECT_NEAR(stepped.nll_per_token, dense.nll_per_token, 1e-5);
  EXPECT_EQ(stepped.report.work.rows, dense.report.work.rows);
}

TEST_F(PerplexityOfText, SeesWhatDecodingWouldSeeUnderPruning) {
  algo::Policy policy;
  policy.token.steps = {{-1, 0.3}};
  policy.token.first_iteration = 0;
  m_.options.policy = &policy;
  const Perplexity p = run(32, 16);
  double total = 0;
  std::size_t predicted = 0;
  Decoder decoder = m_.model.gpt2->start(m_.options);
  Decoder* const one[] = {&decoder};
  for (std::size_t t = 0; t + 1 < 32; ++t, ++predicted) {  // the first window
    const std::vector<std::int32_t> id[] = {{ids_[t]}};
    const OwnedMatrix<float> logits = m_.model.gpt2->extend(one, id, m_.options);
    double sum = 0;
    for (std::size_t c = 0; c < logits.cols(); ++c) sum += std::exp(static_cast<double>(logits(0, c)));
    total += std::log(sum) - static_cast<double>(logits(0, static_cast<std::size_t>(ids_[t + 1])));
  }
  settings_.window = settings_.stride = 0;
  const std::string first_window = m_.model.tokenizer->decode(std::span(ids_).first(32));
  const Perplexity alone = perplexity(m_.model, first_window, settings_, m_.options);
  ASSERT_EQ(alone.tokens, predicted);
  EXPECT_NEAR(alone.nll_per_token, total / static_cast<double>(predicted), 1e-9);
  EXPECT_LT(p.report.work.ops_executed, p.report.work.ops_dense_equivalent);
}

TEST_F(PerplexityOfText, PrunesHeadsAsDecodingWouldWhateverTokensDo) {
  algo::Policy policy;
  policy.head.counts = {1, 1};
  m_.options.policy = &policy;
  const Perplexity both = run(20, 10);
  policy.token.generation = false;
  const Perplexity heads_alone = run(20, 10);
  EXPECT_LT(both.report.work.ops_executed, both.report.work.ops_dense_equivalent);
  EXPECT_EQ(heads_alone.report.work.ops_executed, both.report.work.ops_executed);
  EXPECT_EQ(heads_alone.nll_per_token, both.nll_per_token);
}

TEST_F(PerplexityOfText, ReportsHowItsLastPassWasPruned) {
  algo::Policy policy;
  policy.token.steps = {{-1, 0.3}};
  policy.token.first_iteration = 0;
  m_.options.policy = &policy;
  m_.options.record_pruning = true;
  const Perplexity p = run(20, 10);
  const std::size_t begin = (ids_.size() - 20 + 9) / 10 * 10;  // of the first window that reaches the end
  const std::vector<std::int32_t> window(ids_.begin() + static_cast<std::ptrdiff_t>(begin), ids_.end() - 1);
  EXPECT_EQ(p.last_window, window);
  ASSERT_EQ(p.report.pruning.survivors.size(), 2u);
  EXPECT_EQ(p.report.pruning.survivors[1].size(), p.report.pruning.schedule.tokens[1]);
  EXPECT_LT(p.report.pruning.survivors[1].size(), window.size() / 2);
  EXPECT_EQ(p.report.pruning.survivors[1].back(), window.size() - 1);
}

TEST_F(PerplexityOfText, NumbersThePassesOfATraceOnwards) {
  algo::Policy stepwise;
  stepwise.token.counts = {5, 3};
  for (const algo::Policy* policy : std::initializer_list<const algo::Policy*>{nullptr, &stepwise}) {
    trace::MemorySink sink;
    m_.options.policy = policy;
    m_.options.sink = &sink;
    sink.begin({});
    run(10, 5);
    sink.end();
    trace::Rules rules{trace::Header{}};
    for (const trace::Record& r : sink.records()) ASSERT_FALSE(rules.check(r)) << "step " << r.step;
  }
}

TEST_F(PerplexityOfText, ReportsItsProgress) {
  std::vector<std::size_t> done;
  settings_.progress = [&](std::size_t d, std::size_t total) {
    done.push_back(d);
    EXPECT_EQ(total, ids_.size());
  };
  run(10, 5);
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
  EXPECT_EQ(done.back(), ids_.size());
}

TEST_F(PerplexityOfText, RefusesWindowsThatCannotWork) {
  EXPECT_THAT(error_message([&] { run(33, 1); }), HasSubstr("expected 2 to 32 tokens, found 33"));
  EXPECT_THAT(error_message([&] { run(1, 1); }), HasSubstr("expected 2 to 32 tokens, found 1"));
  EXPECT_THAT(error_message([&] { run(10, 10); }), HasSubstr("expected less than the window of 10, found 10"));
  EXPECT_THAT(error_message([&] { perplexity(m_.model, "a", {}, m_.options); }), HasSubstr("at least 2 tokens, found 1"));
}

}  // namespace
}  // namespace spatten

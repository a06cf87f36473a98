// SPDX-License-Identifier: Apache-2.0
// The ends of the range: nothing, one token, one head, the longest text, ids from outside, a run that is cancelled.
#include <gmock/gmock.h>

#include <cmath>

#include "spatten/trace/memory.h"
#include "support/error_message.h"
#include "support/random_model.h"

namespace spatten {
namespace {

using testing::HasSubstr;

class Limits : public testing::Test {
 protected:
  Limits() {
    options_.threads = &threads_;
    options_.policy = &policy_;
  }
  std::string encode(const Encoding& input) {
    return error_message([&] { bert_.model.encode({&input, 1}, options_); });
  }
  std::string extend(Decoder& decoder, const std::vector<std::int32_t>& ids) {
    Decoder* const one[] = {&decoder};
    return error_message([&] { gpt2_.model.extend(one, {&ids, 1}, options_); });
  }

  ThreadPool threads_{1};
  algo::Policy policy_ = policy_of("tokens-half", {"token.prompt=true"});
  RunOptions options_;
  RandomModel<Bert> bert_{random_bert_config({2, 2, 32}), 1, threads_};
  RandomModel<Gpt2> gpt2_{random_gpt2_config({2, 2, 32}), 1, threads_};
  Random random_{1};
};

TEST_F(Limits, RefuseNoTokens) {
  EXPECT_EQ(encode({}), "expected at least one token, found none");
  Decoder decoder = gpt2_.model.start(options_);
  EXPECT_EQ(extend(decoder, {}), "expected at least one token, found none");
  EXPECT_EQ(decoder.length(), 0u);
}

TEST_F(Limits, AcceptAnEmptyBatch) {
  const EncoderOutput out = bert_.model.encode({}, options_);
  EXPECT_EQ(out.hidden.rows(), 0u);
  EXPECT_TRUE(out.reports.empty());
}

TEST_F(Limits, TakeTheLongestTextAndNameTheLimitBeyond) {
  EXPECT_EQ(encode(random_encoding(random_, kRandomPositions)), "");
  EXPECT_THAT(encode(random_encoding(random_, kRandomPositions + 1)), HasSubstr("97 tokens, the model takes at most 96"));
  Decoder decoder = gpt2_.model.start(options_);
  EXPECT_EQ(extend(decoder, random_ids(random_, kRandomPositions)), "");
  EXPECT_THAT(extend(decoder, {1}), HasSubstr("97 tokens, the model takes at most 96"));
  EXPECT_EQ(decoder.length(), kRandomPositions);
}

TEST_F(Limits, RefuseIdsOutsideTheVocabulary) {
  for (const std::int32_t id : {-1, static_cast<std::int32_t>(kRandomVocab), 1 << 30}) {
    Encoding input = random_encoding(random_, 5);
    input.ids[3] = id;
    const std::string message = fmt::format("token id {} is outside the model's vocabulary of 60", id);
    EXPECT_EQ(encode(input), message);
    Decoder decoder = gpt2_.model.start(options_);
    EXPECT_EQ(extend(decoder, {1, id}), message);
  }
}

TEST_F(Limits, LeaveADecoderAsItWasWhenItsInputIsRefused) {
  Decoder decoder = gpt2_.model.start(options_);
  ASSERT_EQ(extend(decoder, {1, 2, 3}), "");
  EXPECT_NE(extend(decoder, {4, 60}), "");
  EXPECT_EQ(decoder.length(), 3u);
  EXPECT_EQ(extend(decoder, {4, 5}), "");
  EXPECT_EQ(decoder.length(), 5u);
}

TEST_F(Limits, RefuseTokenTypesThatTheModelLacks) {
  Encoding input = random_encoding(random_, 5);
  input.type_ids[4] = 2;
  EXPECT_EQ(encode(input), "this model has 2 token types: text pairs need 2");
}

TEST_F(Limits, KeepOneTokenAndOneHead) {
  const algo::Policy least = policy_of("none", {"token.counts=[1,1]", "head.counts=[1,1]", "token.protect.cls=false"});
  options_.policy = &least;
  options_.record_pruning = true;
  const Encoding input = random_encoding(random_, 30);
  const EncoderOutput out = bert_.model.encode({&input, 1}, options_);
  EXPECT_EQ(out.reports[0].pruning.survivors[1].size(), 1u);
  EXPECT_EQ(out.reports[0].pruning.heads[1].size(), 1u);
  for (const float x : std::span(out.hidden.data(), 30 * out.hidden.cols())) ASSERT_TRUE(std::isfinite(x));
}

TEST_F(Limits, RefuseAPolicyOfAnotherDepth) {
  const algo::Policy deeper = policy_of("none", {"token.counts=[9,8,7]"});
  options_.policy = &deeper;
  EXPECT_THAT(encode(random_encoding(random_, 5)), HasSubstr("expected 2 entries, one per layer of the model, found 3"));
  EXPECT_THAT(error_message([&] { gpt2_.model.start(options_); }), HasSubstr("expected 2 entries"));
}

TEST_F(Limits, StopWhenCancelled) {
  std::atomic<bool> cancelled{true};
  options_.cancelled = &cancelled;
  const Encoding input = random_encoding(random_, 5);
  EXPECT_THROW(bert_.model.encode({&input, 1}, options_), Cancelled);
  Decoder decoder = gpt2_.model.start(options_);
  EXPECT_THROW(extend(decoder, {1, 2}), Cancelled);
  cancelled = false;
  EXPECT_EQ(encode(input), "");
}

TEST_F(Limits, RefuseToGoOnWithADecoderThatWasCutShort) {
  std::atomic<bool> cancelled{false};
  options_.cancelled = &cancelled;
  Decoder decoder = gpt2_.model.start(options_), other = gpt2_.model.start(options_);
  ASSERT_EQ(extend(decoder, {1, 2}), "");
  cancelled = true;
  EXPECT_THROW(extend(decoder, {3}), Cancelled);
  cancelled = false;
  EXPECT_THROW(extend(decoder, {3}), Bug);
  EXPECT_EQ(extend(other, {1, 2, 3}), "");
}

TEST_F(Limits, TraceOneDecoderAtATime) {
  trace::MemorySink sink;
  options_.sink = &sink;
  sink.begin({});
  Decoder a = gpt2_.model.start(options_), b = gpt2_.model.start(options_);
  Decoder* const both[] = {&a, &b};
  const std::vector<std::vector<std::int32_t>> ids{{1}, {2}};
  EXPECT_THROW(gpt2_.model.extend(both, ids, options_), Bug);
  EXPECT_EQ(extend(a, {1, 2}), "");
}

TEST_F(Limits, NameTheHeadThatACheckpointLacks) {
  const EncoderOutput out = bert_.model.encode(std::vector<Encoding>{random_encoding(random_, 3)}, options_);
  EXPECT_EQ(error_message([&] { bert_.model.classify(out.hidden.view(), options_); }), "this checkpoint has no classification head");
  EXPECT_EQ(error_message([&] { bert_.model.spans(out.hidden.view(), options_); }), "this checkpoint has no question answering head");
  EXPECT_EQ(error_message([&] { bert_.model.vocabulary(out.hidden.view(), options_); }), "this checkpoint has no masked LM head");
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/generate.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "spatten/trace/memory.h"
#include "spatten/trace/rules.h"
#include "unit/model/tasks/small_models.h"

namespace spatten {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Generate : public testing::Test {
 protected:
  Generation run(const std::string& prompt) { return generate(m_.model, {prompt}, settings_, m_.options)[0]; }

  SmallModel m_{"GPT2LMHeadModel", 40};
  GenerateOptions settings_ = [] {
    GenerateOptions options;
    options.max_tokens = 12;
    return options;
  }();
};

TEST_F(Generate, TakesTheMostProbableTokenEachTime) {
  const Generation out = run("the theme");
  std::vector<std::int32_t> ids = out.prompt_ids;
  EXPECT_EQ(ids, m_.model.tokenizer->encode("the theme").ids);
  for (const std::int32_t id : out.token_ids) {
    Decoder decoder = m_.model.gpt2->start(m_.options);
    Decoder* const one[] = {&decoder};
    const OwnedMatrix<float> logits = m_.model.gpt2->extend(one, {&ids, 1}, m_.options);
    EXPECT_EQ(std::max_element(logits.data(), logits.data() + logits.cols()) - logits.data(), id);
    ids.push_back(id);
  }
  std::string bytes;
  for (const std::int32_t id : out.token_ids) bytes += m_.model.tokenizer->token_bytes(id);
  EXPECT_EQ(out.text, bytes);
  EXPECT_GE(out.kv_bytes, out.kv_bytes_dense);
}

TEST_F(Generate, StopsAtTheNumberOfTokensAndAtTheModelsLimit) {
  EXPECT_EQ(run("the").token_ids.size(), 12u);
  EXPECT_EQ(run("the").finish_reason, FinishReason::kLength);
  settings_.max_tokens = 0;
  EXPECT_THAT(run("the").token_ids, IsEmpty());
  settings_.max_tokens = 1000;
  const Generation out = run("abcdefgh");
  if (out.finish_reason == FinishReason::kLength) {
    EXPECT_EQ(out.prompt_ids.size() + out.token_ids.size(), 40u + 1u);  // the last one is not fed any more
  }
}

TEST_F(Generate, StreamsWhatItReturns) {
  std::vector<std::string> streamed(2);
  settings_.on_text = [&](std::size_t index, std::string_view piece) { streamed[index] += piece; };
  const std::vector<Generation> out = generate(m_.model, {"the", "a b"}, settings_, m_.options);
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(streamed[i], out[i].text);
}

TEST_F(Generate, EndsBeforeAStopString) {
  const std::string text = run("the").text;
  ASSERT_GE(text.size(), 4u);
  settings_.stop = {text.substr(text.size() / 2, 2)};
  const Generation out = run("the");
  EXPECT_EQ(out.finish_reason, FinishReason::kStop);
  EXPECT_EQ(out.text, text.substr(0, text.find(settings_.stop[0])));
  settings_.stop = {""};
  EXPECT_THAT(error_message([&] { run("the"); }), HasSubstr("expected some text, found none"));
}

TEST_F(Generate, StartsFromTheBeginOfTextTokenWithoutAPrompt) {
  EXPECT_EQ(run("").prompt_ids, (std::vector<std::int32_t>{260}));
}

TEST_F(Generate, DoesNotDependOnTheBatch) {
  settings_.temperature = 1;
  const std::vector<std::string> prompts{"the", "a longer one", "z"};
  const std::vector<Generation> together = generate(m_.model, prompts, settings_, m_.options);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    RunOptions alone = m_.options;
    alone.seed += i;
    EXPECT_EQ(generate(m_.model, {prompts[i]}, settings_, alone)[0].token_ids, together[i].token_ids);
  }
  EXPECT_EQ(generate(m_.model, prompts, settings_, m_.options)[1].token_ids, together[1].token_ids);
}

TEST_F(Generate, RefusesOrCutsAPromptThatIsTooLong) {
  const std::string prompt(41, 'x');
  EXPECT_THAT(error_message([&] { run(prompt); }), HasSubstr("the prompt has 41 tokens, the model takes at most 40"));
  m_.options.truncate = true;
  EXPECT_EQ(run(prompt).prompt_ids.size(), 30u) << "room for some tokens is left";
}

TEST_F(Generate, WritesOneSequenceAfterTheOtherIntoATrace) {
  trace::MemorySink sink;
  m_.options.sink = &sink;
  sink.begin({});
  settings_.max_tokens = 3;
  const std::vector<Generation> out = generate(m_.model, {"the", "a b"}, settings_, m_.options);
  sink.end();
  trace::Rules rules{trace::Header{}};
  std::size_t prompts = 0;
  for (const trace::Record& r : sink.records()) {
    ASSERT_FALSE(rules.check(r));
    prompts += r.stage == trace::Stage::kSummarization && r.layer == 0 && r.head == 0 ? 1 : 0;
  }
  EXPECT_EQ(prompts, 2u);
  m_.options.sink = nullptr;
  EXPECT_EQ(generate(m_.model, {"the", "a b"}, settings_, m_.options)[1].token_ids, out[1].token_ids);
}

}  // namespace
}  // namespace spatten

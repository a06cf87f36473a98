// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/answer.h"

#include <gmock/gmock.h>

#include "unit/model/tasks/small_models.h"

namespace spatten {
namespace {

using testing::HasSubstr;

class Answers : public testing::Test {
 protected:
  Answer ask(const std::string& question, const std::string& context) {
    return answer(m_.model, {{question, context}}, settings_, m_.options)[0];
  }
  /// Best start + end of one window by trying all pairs; the context is what follows the first [SEP].
  float best_score(const Encoding& window) {
    const EncoderOutput states = m_.model.bert->encode({&window, 1}, m_.options);
    const OwnedMatrix<float> logits = m_.model.bert->spans(states.hidden.view(), m_.options);
    float best = -1e30f;
    for (std::size_t i = 0; i < window.size(); ++i) {
      for (std::size_t j = i; j < window.size() && j < i + settings_.max_answer_tokens; ++j) {
        if (in_context(window, i) && in_context(window, j)) best = std::max(best, logits(i, 0) + logits(j, 1));
      }
    }
    return best;
  }
  static bool in_context(const Encoding& w, std::size_t i) { return w.type_ids[i] == 1 && (w.flags[i] & kSep) == 0; }

  SmallModel m_{"BertForQuestionAnswering"};
  AnswerOptions settings_;
};

// Two bytes for each accent, one code point.
const std::string kFrench = "le Caf\xC3\xA9 noir, o\xC3\xB9 the cat\xC3\xA9 ran";

TEST_F(Answers, AreTheBestSpanOfTheContext) {
  const Answer a = ask("the cat sat on the mat ?", kFrench);
  ASSERT_EQ(a.windows.size(), 1u);
  EXPECT_EQ(a.score, best_score(a.windows[0]));
  EXPECT_FALSE(a.answer.empty());
  EXPECT_GT(a.reports[0].work.ops_executed, 0u);
}

TEST_F(Answers, CountInCodePoints) {
  // Texts that end in ever different places, so that the span falls before, on and after the accents.
  std::size_t beyond_an_accent = 0;
  for (const char* question : {"the", "cat ?", "dog ran", "mat mat mat", "far", "sat on", "?", "noir ou", "cat dog"}) {
    const Answer a = ask(question, kFrench);
    const std::size_t first_byte = kFrench.find(a.answer);
    ASSERT_NE(first_byte, std::string::npos);
    std::size_t characters = 0;
    for (const char c : a.answer) characters += (static_cast<unsigned char>(c) & 0xC0) != 0x80 ? 1 : 0;
    EXPECT_EQ(a.end_char - a.start_char, characters);
    std::size_t byte = 0, at = 0;  // of the code point start_char
    for (; at < a.start_char; ++at) {
      do ++byte;
      while ((static_cast<unsigned char>(kFrench[byte]) & 0xC0) == 0x80);
    }
    EXPECT_EQ(kFrench.substr(byte, a.answer.size()), a.answer);
    beyond_an_accent += byte != a.start_char ? 1 : 0;
  }
  EXPECT_GT(beyond_an_accent, 0u) << "no question of this list tests anything";
}

TEST_F(Answers, AreNoLongerThanAsked) {
  settings_.max_answer_tokens = 1;
  const Answer a = ask("the cat", kFrench);
  EXPECT_EQ(m_.model.tokenizer->encode(a.answer, kPlain).size(), 1u);
  EXPECT_EQ(a.score, best_score(a.windows[0]));
}

TEST_F(Answers, ComeFromTheBestOfOverlappingWindows) {
  settings_.max_length = 14;  // 9 of the context beside 2 of the question and 3 special tokens
  settings_.stride = 4;
  std::string context;
  for (const char* word : {"the", "cat", "sat", "on", "mat", "dog", "ran", "far", "noir", "ou", "cafe"}) {
    context += context.empty() ? word : std::string(" ") + word;
  }
  context += " " + context + " the dog";
  const Answer a = ask("dog ?", context);
  const Encoding all = m_.model.tokenizer->encode(context, kPlain);
  ASSERT_EQ(all.size(), 24u);
  ASSERT_EQ(a.windows.size(), 4u);  // from 0, 5, 10 and 15
  float best = -1e30f;
  for (std::size_t w = 0; w < 4; ++w) {
    const Encoding& window = a.windows[w];
    ASSERT_EQ(window.size(), 14u);
    for (std::size_t i = 0; i < 9; ++i) EXPECT_EQ(window.ids[4 + i], all.ids[5 * w + i]);
    best = std::max(best, best_score(window));
  }
  EXPECT_EQ(a.score, best);
  EXPECT_EQ(a.reports.size(), 4u);
  EXPECT_EQ(context.substr(a.start_char, a.end_char - a.start_char), a.answer);
}

TEST_F(Answers, OfManyQuestionsAreThoseOfEachAlone) {
  const std::vector<Question> questions{{"the cat", kFrench}, {"dog ?", "the dog ran"}, {"far", kFrench}};
  const std::vector<Answer> together = answer(m_.model, questions, settings_, m_.options);
  for (std::size_t q = 0; q < questions.size(); ++q) {
    const Answer alone = ask(questions[q].question, questions[q].context);
    EXPECT_EQ(together[q].answer, alone.answer);
    EXPECT_EQ(together[q].score, alone.score);
  }
}

TEST_F(Answers, MayBeNone) {
  const Answer a = ask("the cat", kFrench);
  settings_.allow_no_answer = true;
  settings_.no_answer_threshold = a.no_answer_score - a.score - 0.01f;
  const Answer none = ask("the cat", kFrench);
  EXPECT_EQ(none.answer, "");
  EXPECT_EQ(none.start_char, 0u);
  EXPECT_EQ(none.end_char, 0u);
  EXPECT_EQ(none.score, a.score);
  settings_.no_answer_threshold = a.no_answer_score - a.score + 0.01f;
  EXPECT_EQ(ask("the cat", kFrench).answer, a.answer);
}

TEST_F(Answers, NeedAQuestionAndAContextThatFit) {
  EXPECT_EQ(error_message([&] { ask("", "the cat"); }), "expected a question, found none");
  EXPECT_EQ(error_message([&] { ask("the", "  "); }), "expected a context, found none");
  settings_.max_length = 8;
  EXPECT_THAT(error_message([&] { ask("the cat sat on mat", "dog"); }), HasSubstr("the question has 5 tokens, a window takes 8"));
  EXPECT_NO_THROW(ask("the cat sat on", "dog ran far"));
}

}  // namespace
}  // namespace spatten

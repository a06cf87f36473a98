// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/text.h"

#include <gmock/gmock.h>

#include "unit/model/tasks/small_models.h"

namespace spatten {
namespace {

using testing::HasSubstr;

/// Tokens as words, a bar between the texts.
std::string words(const SmallModel& m, const Encoding& e) {
  std::string out;
  for (std::size_t i = 0; i < e.size(); ++i) {
    out += (i == 0 ? "" : e.type_ids[i] != e.type_ids[i - 1] ? " | " : " ") + m.model.tokenizer->token(e.ids[i]);
  }
  return out;
}

TEST(EncodeText, PutsSpecialTokensAroundOneOrTwoTexts) {
  SmallModel m("BertModel");
  EXPECT_EQ(words(m, encode_text(m.model, "The cat sat", std::nullopt, m.options)), "[CLS] the cat sat [SEP]");
  EXPECT_EQ(words(m, encode_text(m.model, "the cat", "on mat", m.options)), "[CLS] the cat [SEP] | on mat [SEP]");
  EXPECT_EQ(words(m, encode_text(m.model, "the [MASK]", std::nullopt, m.options)), "[CLS] the [MASK] [SEP]");
}

TEST(EncodeText, RefusesNothing) {
  SmallModel m("BertModel");
  EXPECT_EQ(error_message([&] { encode_text(m.model, " ", std::nullopt, m.options); }), "expected some text, found none");
  EXPECT_EQ(error_message([&] { encode_text(m.model, "", "", m.options); }), "expected some text, found none");
  EXPECT_EQ(words(m, encode_text(m.model, "", "cat", m.options)), "[CLS] [SEP] | cat [SEP]");
}

TEST(EncodeText, NamesTheLimitUnlessAskedToCut) {
  SmallModel m("BertModel", 8);
  const std::string text = "the cat sat on the mat far";
  EXPECT_THAT(error_message([&] { encode_text(m.model, text, std::nullopt, m.options); }),
              HasSubstr("the text has 9 tokens, the model takes at most 8"));
  m.options.truncate = true;
  EXPECT_EQ(words(m, encode_text(m.model, text, std::nullopt, m.options)), "[CLS] the cat sat on the mat [SEP]");
  EXPECT_EQ(words(m, encode_text(m.model, "the cat", std::nullopt, m.options)), "[CLS] the cat [SEP]");
}

TEST(EncodeText, CutsTheLongerTextOfAPair) {
  SmallModel m("BertModel", 8);
  m.options.truncate = true;
  EXPECT_EQ(words(m, encode_text(m.model, "the", "cat sat on the mat", m.options)), "[CLS] the [SEP] | cat sat on the [SEP]");
  EXPECT_EQ(words(m, encode_text(m.model, "cat sat on the mat", "the", m.options)), "[CLS] cat sat on the [SEP] | the [SEP]");
  EXPECT_EQ(words(m, encode_text(m.model, "the cat sat on", "dog ran far", m.options)), "[CLS] the cat [SEP] | dog ran far [SEP]");
}

TEST(Softmax, SumsToOneAndSurvivesLargeLogits) {
  const std::vector<float> p = softmax(std::vector<float>{1000, 1000, -1000});
  EXPECT_FLOAT_EQ(p[0], 0.5f);
  EXPECT_FLOAT_EQ(p[1], 0.5f);
  EXPECT_EQ(p[2], 0.0f);
}

TEST(FirstTokens, AreOneRowPerSequence) {
  EncoderOutput out;
  out.hidden.resize(5, 2);
  for (std::size_t r = 0; r < 5; ++r) out.hidden(r, 0) = out.hidden(r, 1) = static_cast<float>(r);
  out.offsets = {0, 2, 5};
  const OwnedMatrix<float> first = first_tokens(out);
  ASSERT_EQ(first.rows(), 2u);
  EXPECT_EQ(first(0, 1), 0.0f);
  EXPECT_EQ(first(1, 1), 2.0f);
}

}  // namespace
}  // namespace spatten

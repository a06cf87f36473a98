// SPDX-License-Identifier: Apache-2.0
// Classification, reranking, embeddings and masks against the model's own layers.
#include "spatten/model/tasks/classify.h"

#include <gmock/gmock.h>

#include <cmath>

#include "spatten/model/tasks/embed.h"
#include "spatten/model/tasks/fill.h"
#include "spatten/model/tasks/text.h"
#include "unit/model/tasks/small_models.h"

namespace spatten {
namespace {

using testing::HasSubstr;

const Json kThreeLabels = {{"id2label", {{"0", "bad"}, {"1", "good"}, {"2", "so-so"}}}};

/// Hidden states of one text, tokens x hidden.
EncoderOutput hidden(const SmallModel& m, const std::string& text) {
  const Encoding tokens = encode_text(m.model, text, std::nullopt, m.options);
  return m.model.bert->encode({&tokens, 1}, m.options);
}

TEST(Classify, GivesLogitsScoresAndTheBestLabel) {
  SmallModel m("BertForSequenceClassification", 64, kThreeLabels);
  const std::vector<Classification> out = classify(m.model, {{"the cat sat", {}}, {"dog", "ran far"}}, m.options);
  ASSERT_EQ(out.size(), 2u);
  const EncoderOutput states = hidden(m, "the cat sat");
  const OwnedMatrix<float> logits = m.model.bert->classify(m.model.bert->pool(first_tokens(states).view(), m.options).view(), m.options);
  ASSERT_EQ(out[0].logits.size(), 3u);
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(out[0].logits[i], logits(0, i));
    sum += static_cast<double>(out[0].scores[i]);
    EXPECT_LE(out[0].scores[i], out[0].scores[out[0].label_id]);
  }
  EXPECT_NEAR(sum, 1, 1e-6);
  EXPECT_EQ(out[0].label, m.model.config.labels[out[0].label_id]);
  EXPECT_EQ(out[0].encoding.size(), 5u);
  EXPECT_EQ(out[1].encoding.type_ids.back(), 1);
  // The pooler and three rows of the classifier.
  EXPECT_EQ(out[0].report.work.ops_executed, states.reports[0].work.ops_executed + 2 * 32 * (32 + 3));
}

TEST(Classify, AcceptsNoInput) {
  SmallModel m("BertForSequenceClassification");
  EXPECT_TRUE(classify(m.model, {}, m.options).empty());
}

TEST(Classify, NeedsABertWithTheHead) {
  SmallModel gpt2("GPT2LMHeadModel"), plain("BertModel");
  EXPECT_THAT(error_message([&] { classify(gpt2.model, {{"the", {}}}, gpt2.options); }), HasSubstr("expected a bert model for classification, found gpt2"));
  EXPECT_EQ(error_message([&] { classify(plain.model, {{"the", {}}}, plain.options); }), "this checkpoint has no classification head");
}

TEST(Rerank, OrdersPassagesByTheirLastLogit) {
  SmallModel m("BertForSequenceClassification");
  const std::vector<std::string> passages{"cat sat on the mat", "dog", "the dog ran far", "dog", "noir ou"};
  const std::vector<RankedPassage> ranked = rerank(m.model, "the cat", passages, m.options);
  ASSERT_EQ(ranked.size(), 5u);
  std::vector<bool> seen(5, false);
  for (std::size_t i = 0; i < 5; ++i) {
    seen[ranked[i].index] = true;
    EXPECT_EQ(ranked[i].score, classify(m.model, {{"the cat", passages[ranked[i].index]}}, m.options)[0].logits.back());
    if (i == 0) continue;
    EXPECT_GE(ranked[i - 1].score, ranked[i].score);
    if (ranked[i - 1].score == ranked[i].score) {
      EXPECT_LT(ranked[i - 1].index, ranked[i].index);
    }
  }
  EXPECT_THAT(seen, testing::Each(true));
}

TEST(Embed, TakesTheMeanOrTheFirstToken) {
  SmallModel m("BertModel");
  const EncoderOutput states = hidden(m, "the cat sat");
  const std::vector<Embedding> mean = embed(m.model, {"the cat sat"}, Pooling::kMean, false, m.options);
  const std::vector<Embedding> cls = embed(m.model, {"dog", "the cat sat"}, Pooling::kCls, false, m.options);
  ASSERT_EQ(mean[0].embedding.size(), 32u);
  for (std::size_t c = 0; c < 32; ++c) {
    double sum = 0;
    for (std::size_t t = 0; t < 5; ++t) sum += static_cast<double>(states.hidden(t, c));
    EXPECT_NEAR(static_cast<double>(mean[0].embedding[c]), sum / 5, 1e-6);
    EXPECT_EQ(cls[1].embedding[c], states.hidden(0, c));
  }
}

TEST(Embed, MayGiveUnitLength) {
  SmallModel m("BertModel");
  const std::vector<float> plain = embed(m.model, {"the cat"}, Pooling::kMean, false, m.options)[0].embedding;
  const std::vector<float> unit = embed(m.model, {"the cat"}, Pooling::kMean, true, m.options)[0].embedding;
  double squares = 0, plain_squares = 0;
  for (std::size_t c = 0; c < 32; ++c) {
    squares += static_cast<double>(unit[c]) * static_cast<double>(unit[c]);
    plain_squares += static_cast<double>(plain[c]) * static_cast<double>(plain[c]);
  }
  EXPECT_NEAR(squares, 1, 1e-5);
  for (std::size_t c = 0; c < 32; ++c) {
    EXPECT_NEAR(static_cast<double>(unit[c]), static_cast<double>(plain[c]) / std::sqrt(plain_squares), 1e-6);
  }
}

TEST(Fill, RanksTheVocabularyAtEachMask) {
  SmallModel m("BertForMaskedLM");
  const std::vector<Filled> out = fill(m.model, {"the [MASK] sat on [MASK]"}, 3, m.options);
  ASSERT_EQ(out[0].masks.size(), 2u);
  const EncoderOutput states = hidden(m, "the [MASK] sat on [MASK]");
  const std::vector<float> probabilities =
      softmax(m.model.bert->vocabulary(states.hidden.view().rows_from(5, 1), m.options).view().row_span(0));
  ASSERT_EQ(out[0].masks[1].size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    const Prediction& p = out[0].masks[1][i];
    EXPECT_FLOAT_EQ(p.probability, probabilities[static_cast<std::size_t>(p.token_id)]);
    EXPECT_EQ(p.token, m.model.tokenizer->token(p.token_id));
    std::size_t better = 0;
    for (const float q : probabilities) better += q > p.probability ? 1 : 0;
    EXPECT_EQ(better, i);
  }
}

TEST(Fill, NeedsAMask) {
  SmallModel m("BertForMaskedLM");
  EXPECT_EQ(error_message([&] { fill(m.model, {"the cat"}, 3, m.options); }), "expected a [MASK] in the text, found none");
  EXPECT_EQ(fill(m.model, {"[MASK]"}, 1000, m.options)[0].masks[0].size(), m.model.tokenizer->vocab_size());
}

}  // namespace
}  // namespace spatten

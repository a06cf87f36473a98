// SPDX-License-Identifier: Apache-2.0
// Texts and ids from the test suites of llama.cpp and torchtext, on the canonical vocabularies of GPT-2 and BERT. Files
// and vectors are not part of this repository; the test runs where they are (see support/shared_data.h).
#include <gtest/gtest.h>

#include "spatten/base/file.h"
#include "spatten/base/json.h"
#include "spatten/model/tokenizer/load.h"
#include "support/shared_data.h"

namespace spatten {
namespace {

const std::string kVectors = "tokenizers/golden/golden_vectors.json";

class TokenizerGolden : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!is_file(shared_data(kVectors))) {
      GTEST_SKIP() << "no " << shared_data(kVectors) << "; set SPATTEN_SHARED_DATA to the folder that holds tokenizers";
    }
  }
};

std::vector<std::int32_t> ids_of(const JsonNode& list) {
  std::vector<std::int32_t> out;
  for (const JsonNode& id : list.items()) out.push_back(static_cast<std::int32_t>(id.integer(0, INT32_MAX)));
  return out;
}

TEST_F(TokenizerGolden, EveryVectorIsReproduced) {
  const JsonFile file = JsonFile::load(shared_data(kVectors));
  const auto gpt2 = load_tokenizer(shared_data("tokenizers/gpt2"));
  const auto bert = load_tokenizer(shared_data("tokenizers/bert-uncased"));
  std::size_t checked = 0;
  for (const JsonNode& suite : file.root().items()) {
    const Tokenizer& t = suite.key().find("bert") != std::string::npos ? *bert : *gpt2;
    for (const JsonNode& vector : suite.items()) {
      const std::string& text = vector.at("text").string();
      // Both suites take "[UNK]" in a text for characters, and add no special tokens.
      const Encoding e = t.encode(text, {.special_tokens = false, .special_in_text = false});
      EXPECT_EQ(e.ids, ids_of(vector.at("ids"))) << suite.key() << ": " << text;
      ++checked;
    }
  }
  EXPECT_EQ(checked, 106u);
}

TEST_F(TokenizerGolden, EveryGpt2TextComesBack) {
  const JsonFile file = JsonFile::load(shared_data(kVectors));
  const auto gpt2 = load_tokenizer(shared_data("tokenizers/gpt2"));
  for (const JsonNode& suite : file.root().items()) {
    for (const JsonNode& vector : suite.items()) {
      const std::string& text = vector.at("text").string();
      EXPECT_EQ(gpt2->decode(gpt2->encode(text).ids), text);
    }
  }
}

TEST_F(TokenizerGolden, CanonicalVocabulariesAreUnderstood) {
  const auto gpt2 = load_tokenizer(shared_data("tokenizers/gpt2"));
  const auto uncased = load_tokenizer(shared_data("tokenizers/bert-uncased"));
  const auto cased = load_tokenizer(shared_data("tokenizers/bert-cased"));
  EXPECT_EQ(gpt2->vocab_size(), 50257u);
  EXPECT_EQ(gpt2->special().eos, 50256);
  EXPECT_EQ(uncased->vocab_size(), 30522u);
  EXPECT_EQ(uncased->special().cls, 101);
  EXPECT_EQ(uncased->special().sep, 102);
  EXPECT_EQ(uncased->special().mask, 103);
  EXPECT_EQ(cased->vocab_size(), 28996u);
  // Nothing but the vocabulary tells which of them is of lower case.
  EXPECT_EQ(uncased->token(uncased->encode("Paris").ids[1]), "paris");
  EXPECT_EQ(cased->token(cased->encode("Paris").ids[1]), "Paris");
}

}  // namespace
}  // namespace spatten

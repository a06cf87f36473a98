// SPDX-License-Identifier: Apache-2.0
// WordPiece on vocabularies of a few words: pieces, normalisation, offsets into the original text, special tokens.
#include "spatten/model/tokenizer/wordpiece.h"

#include <gtest/gtest.h>

#include "support/small_vocabularies.h"

namespace spatten {
namespace {

std::unique_ptr<Tokenizer> uncased() {
  return make_tokenizer(bert_files({"un", "##aff", "##able", "a", "##b", "cafe", "##s",      "!",      "中", "'",
                                    "it", "s",     ",",      "σ", "##σ", "i",    "##\u1161", "\u1100", ";",  "ab"}));
}

std::vector<std::string> tokens(const Tokenizer& t, std::string_view text, const EncodeOptions& options = kPlain) {
  std::vector<std::string> out;
  for (const std::int32_t id : t.encode(text, options).ids) out.push_back(t.token(id));
  return out;
}
/// The original text of each token.
std::vector<std::string> pieces(const Tokenizer& t, std::string_view text) {
  std::vector<std::string> out;
  for (const Offset& o : t.encode(text, kPlain).offsets) out.emplace_back(text.substr(o.begin, o.end - o.begin));
  return out;
}
using Strings = std::vector<std::string>;

TEST(WordPiece, TakesTheLongestPieceFirst) {
  const auto t = uncased();
  EXPECT_EQ(tokens(*t, "unaffable"), (Strings{"un", "##aff", "##able"}));
  EXPECT_EQ(tokens(*t, "ab"), (Strings{"ab"}));
  EXPECT_EQ(tokens(*t, "abb"), (Strings{"ab", "##b"}));
  EXPECT_EQ(pieces(*t, " unaffable ab"), (Strings{"un", "aff", "able", "ab"}));
}

TEST(WordPiece, AWordWithAnUnknownRestIsOneUnknownToken) {
  const auto t = uncased();
  EXPECT_EQ(tokens(*t, "unx a"), (Strings{"[UNK]", "a"}));
  EXPECT_EQ(pieces(*t, "unx a"), (Strings{"unx", "a"}));
}

TEST(WordPiece, AWordOfMoreThanAHundredCharactersIsUnknown) {
  const auto t = uncased();
  EXPECT_EQ(t->encode("a" + std::string(99, 'b'), kPlain).size(), 99u);  // "ab" and 98 times "##b"
  EXPECT_EQ(tokens(*t, "a" + std::string(100, 'b') + " a"), (Strings{"[UNK]", "a"}));
  EXPECT_EQ(t->encode("a" + std::string(100, 'b'), kPlain).offsets, (Offsets{{0, 101}}));
}

TEST(WordPiece, SplitsPunctuationAndIdeographs) {
  const auto t = uncased();
  EXPECT_EQ(tokens(*t, "a!!ab"), (Strings{"a", "!", "!", "ab"}));
  EXPECT_EQ(tokens(*t, "a中中ab"), (Strings{"a", "中", "中", "ab"}));
  EXPECT_EQ(tokens(*t, "it's"), (Strings{"it", "'", "s"}));
}

TEST(WordPiece, OffsetsPointIntoTheTextBeforeLowerCasingAndStripping) {
  const auto t = uncased();
  EXPECT_EQ(tokens(*t, "CAFÉS"), (Strings{"cafe", "##s"}));
  EXPECT_EQ(pieces(*t, "CAFÉS"), (Strings{"CAFÉ", "S"}));
  EXPECT_EQ(pieces(*t, "cafe\u0301s"), (Strings{"cafe\u0301", "s"}));  // a separate accent goes with its letter
  EXPECT_EQ(pieces(*t, "ab\u0301\u0302!"), (Strings{"ab\u0301\u0302", "!"}));
  EXPECT_EQ(pieces(*t, "가"), (Strings{"가", "가"}));  // one syllable, two letters of the alphabet
  EXPECT_EQ(tokens(*t, "\u037E"), (Strings{";"}));     // Greek question mark: canonically a semicolon
  EXPECT_EQ(tokens(*t, "ΣΣ"), (Strings{"σ", "##σ"}));
  EXPECT_EQ(tokens(*t, "İ"), (Strings{"i"}));
  const Encoding e = t->encode("É CAFÉ", kPlain);
  EXPECT_EQ(character_offsets("É CAFÉ", e.offsets), (Offsets{{0, 1}, {2, 6}}));
}

TEST(WordPiece, DropsControlCharactersAndInvalidBytes) {
  const auto t = uncased();
  EXPECT_EQ(tokens(*t, std::string("a\0b", 3)), (Strings{"ab"}));
  EXPECT_EQ(tokens(*t, "a\u200Db\uFEFF \uFFFD"), (Strings{"ab"}));
  EXPECT_EQ(tokens(*t, "a\xFF\xC3 \xF0\x9F\x98"), (Strings{"a"}));
  EXPECT_EQ(tokens(*t, "a\u00A0b\u3000a\u2028a\ta\r\na"), (Strings{"a", "[UNK]", "a", "a", "a", "a"}));
}

TEST(WordPiece, CasedVocabulariesKeepCaseAndAccents) {
  const auto t = make_tokenizer(bert_files({"A", "a", "é", "É", "e"}));
  EXPECT_EQ(tokens(*t, "A a é É e"), (Strings{"A", "a", "é", "É", "e"}));
  EXPECT_EQ(tokens(*t, "e\u0301"), (Strings{"[UNK]"}));
}

TEST(WordPiece, TheConfigurationDecidesCaseAccentsAndIdeographs) {
  const auto with = [](const char* config) {
    return make_tokenizer(bert_files({"A", "a", "é", "e", "aa", "a中"}, config));
  };
  EXPECT_EQ(tokens(*with(R"({"do_lower_case": true})"), "A É"), (Strings{"a", "e"}));
  EXPECT_EQ(tokens(*with(R"({"do_lower_case": true, "strip_accents": false})"), "A É"), (Strings{"a", "é"}));
  EXPECT_EQ(tokens(*with(R"({"do_lower_case": false, "strip_accents": true})"), "A é"), (Strings{"A", "e"}));
  EXPECT_EQ(tokens(*with(R"({"tokenize_chinese_chars": false})"), "a中"), (Strings{"a中"}));
  EXPECT_EQ(tokens(*with(R"({"strip_accents": null})"), "A é"), (Strings{"A", "é"}));
  const auto keeps_dot = make_tokenizer(bert_files({"i\u0307"}, R"({"do_lower_case": true, "strip_accents": false})"));
  EXPECT_EQ(tokens(*keeps_dot, "İ"), (Strings{"i\u0307"}));
}

TEST(WordPiece, PutsSpecialTokensAroundTexts) {
  const auto t = uncased();
  const Encoding one = t->encode("a");
  EXPECT_EQ(one.ids, (Ids{2, 8, 3}));
  EXPECT_EQ(one.flags, (std::vector<std::uint8_t>{kSpecial | kCls, 0, kSpecial | kSep}));
  EXPECT_EQ(one.type_ids, (Ids{0, 0, 0}));
  EXPECT_EQ(t->encode("").ids, (Ids{2, 3}));

  const Encoding two = t->encode_pair("a", "it s");
  EXPECT_EQ(two.ids, (Ids{2, 8, 3, 15, 16, 3}));
  EXPECT_EQ(two.type_ids, (Ids{0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(two.offsets, (Offsets{{0, 0}, {0, 1}, {0, 0}, {0, 2}, {3, 4}, {0, 0}}));
  EXPECT_EQ(t->encode_pair("a", "").ids, (Ids{2, 8, 3, 3}));
  EXPECT_EQ(t->encode_pair("a", "a", kPlain).type_ids, (Ids{0, 1}));
}

TEST(WordPiece, RecognisesSpecialTokensInTheTextWhenAsked) {
  const auto t = uncased();
  const Encoding e = t->encode("a[MASK]ab", {.special_tokens = false, .special_in_text = true});
  EXPECT_EQ(e.ids, (Ids{8, 4, 24}));
  EXPECT_EQ(e.offsets, (Offsets{{0, 1}, {1, 7}, {7, 9}}));
  EXPECT_EQ(e.flags, (std::vector<std::uint8_t>{0, kSpecial, 0}));
  EXPECT_EQ(tokens(*t, "[MASK]"), (Strings{"[UNK]", "[UNK]", "[UNK]"}));
  EXPECT_EQ(tokens(*t, "[mask]", {.special_tokens = false}), (Strings{"[UNK]", "[UNK]", "[UNK]"}));
}

TEST(WordPiece, DecodesAsHuggingFaceDoes) {
  const auto t = uncased();
  EXPECT_EQ(t->decode(t->encode("unaffable, it's ab!").ids), "unaffable, it's ab!");
  EXPECT_EQ(t->decode(t->encode("a").ids, {.skip_special = false}), "[CLS] a [SEP]");
  EXPECT_EQ(t->decode({}), "");
  EXPECT_EQ(t->token_bytes(6), "aff");
  EXPECT_EQ(t->token_bytes(8), " a");
  EXPECT_EQ(error_message([&] { t->decode(Ids{25}); }), "token id: expected 0 to 24, found 25");
  EXPECT_NE(error_message([&] { t->token(-1); }), "");
}

TEST(WordPiece, KnowsItsSpecialTokens) {
  const auto t = uncased();
  EXPECT_EQ(t->special().cls, 2);
  EXPECT_EQ(t->special().mask, 4);
  EXPECT_EQ(t->special().bos, std::nullopt);
  EXPECT_TRUE(t->is_special(0) && t->is_special(4) && !t->is_special(5));
  EXPECT_EQ(t->find("##aff"), 6);
  EXPECT_EQ(t->find("nothing"), std::nullopt);
  EXPECT_EQ(t->vocab_size(), 25u);
  EXPECT_EQ(t->kind(), "WordPiece");
}

TEST(WordPiece, AVocabularyWithoutClsCannotBeAskedForIt) {
  const auto t = make_tokenizer({"m", {{"vocab.txt", "[UNK]\na\n"}}});
  EXPECT_EQ(t->encode("a", kPlain).ids, (Ids{1}));
  EXPECT_EQ(error_message([&] { t->encode("a"); }), "vocabulary: expected the token [CLS], found none");
}

}  // namespace
}  // namespace spatten

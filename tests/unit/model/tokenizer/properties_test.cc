// SPDX-License-Identifier: Apache-2.0
// What holds for any text: ids inside the vocabulary, offsets in order and inside the text, BPE gives the bytes back,
// and nothing takes more than linear time (the long texts here would take hours otherwise).
#include <gtest/gtest.h>

#include "spatten/base/random.h"
#include "support/small_vocabularies.h"

namespace spatten {
namespace {

void expect_sound(const Tokenizer& t, std::string_view text, const Encoding& e) {
  ASSERT_EQ(e.ids.size(), e.offsets.size());
  ASSERT_EQ(e.ids.size(), e.flags.size());
  ASSERT_EQ(e.ids.size(), e.type_ids.size());
  Offset before;
  for (std::size_t i = 0; i < e.size(); ++i) {
    ASSERT_GE(e.ids[i], 0);
    ASSERT_LT(e.ids[i], static_cast<std::int32_t>(t.vocab_size()));
    const Offset& o = e.offsets[i];
    ASSERT_LE(before.begin, o.begin);
    ASSERT_LE(before.end, o.end);
    ASSERT_LE(o.begin, o.end);
    ASSERT_LE(o.end, text.size());
    before = o;
  }
}

std::string repeat(std::string_view piece, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += piece;
  return out;
}

std::vector<std::string> hard_texts() {
  std::vector<std::string> out{"",
                               std::string(1000, '\0'),
                               repeat(" \t\n\u3000", 1000),
                               repeat("😁", 1000),
                               repeat("👩‍👩‍👧‍👦", 200),
                               repeat("[MASK]", 100),
                               repeat("[MA", 1000),
                               repeat("<|endoftext|>", 100),
                               "a" + repeat("\u0301", 100000),
                               repeat("\u0301", 100000),
                               repeat("a\u0327\u0301", 100000),
                               repeat("\U0001D165\u302E\u0323", 50000),
                               std::string(1000000, 'a'),
                               repeat("ab", 500000),
                               std::string(1000000, '\''),
                               std::string(1000000, ' '),
                               std::string(100000, '\xF0'),
                               repeat("\xED\xA0\x80", 1000),
                               repeat("ﷺ", 1000),
                               repeat("가각", 1000)};
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes, mixed;
    while (bytes.size() < static_cast<std::size_t>(i % 60)) bytes += static_cast<char>(random.below(256));
    while (mixed.size() < static_cast<std::size_t>(i % 60)) {
      constexpr const char* kPieces[] = {"a",    "b",  " ",  "É", "e\u0301", "中", "[MASK]",
                                         "\xFF", "'s", "\n", "İ", "1",       "the"};
      mixed += kPieces[random.below(std::size(kPieces))];
    }
    out.push_back(bytes);
    out.push_back(mixed);
  }
  return out;
}

TEST(AnyText, IsSoundInWordPiece) {
  for (const char* config : {R"({"do_lower_case": true})", R"({"do_lower_case": false})"}) {
    const auto t = make_tokenizer(bert_files({"a", "##a", "##b", "b", "e", "中", "i", "s", "'", "é"}, config));
    for (const std::string& text : hard_texts()) {
      for (const bool special_in_text : {false, true}) {
        expect_sound(*t, text, t->encode(text, {.special_tokens = false, .special_in_text = special_in_text}));
      }
    }
  }
}

TEST(AnyText, ComesBackFromBytePair) {
  const auto t = make_tokenizer(SmallBpe{{{"a", "b"}, {"a", "a"}, {"ab", "ab"}, {" ", "t"}, {"'", "'"}}}.files());
  for (const std::string& text : hard_texts()) {
    for (const bool special_in_text : {false, true}) {
      const Encoding e = t->encode(text, {.special_in_text = special_in_text});
      expect_sound(*t, text, e);
      ASSERT_EQ(t->decode(e.ids, {.skip_special = false}), text);
      std::string streamed;
      for (const std::int32_t id : e.ids) streamed += t->token_bytes(id);
      ASSERT_EQ(streamed, text);
    }
  }
}

TEST(AnyText, HasBytePairTokensThatCoverIt) {
  const auto t = make_tokenizer(small_bpe().files());
  for (const std::string& text : hard_texts()) {
    std::size_t at = 0;
    for (const Offset& o : t->encode(text).offsets) {
      ASSERT_EQ(o.begin, at);
      at = o.end;
    }
    ASSERT_EQ(at, text.size());
  }
}

}  // namespace
}  // namespace spatten

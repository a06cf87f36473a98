// SPDX-License-Identifier: Apache-2.0
// Byte-level BPE: the cut into words, the order of merges against a slow reference, exact return of the bytes.
#include "spatten/model/tokenizer/byte_pair.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "spatten/base/random.h"
#include "spatten/model/tokenizer/gpt2_words.h"
#include "support/small_vocabularies.h"

namespace spatten {
namespace {

using Strings = std::vector<std::string>;

Strings words(std::string_view text) {
  Strings out;
  for (std::size_t at = 0; at < text.size(); at += out.back().size()) {
    out.emplace_back(text.substr(at, gpt2_word_end(text, at) - at));
  }
  return out;
}

TEST(Gpt2Words, AreTheMatchesOfTheExpression) {
  EXPECT_EQ(words("Hello world"), (Strings{"Hello", " world"}));
  EXPECT_EQ(words("a  b"), (Strings{"a", " ", " b"}));
  EXPECT_EQ(words("a \n b"), (Strings{"a", " \n", " b"}));
  EXPECT_EQ(words("a\nb"), (Strings{"a", "\n", "b"}));
  EXPECT_EQ(words("a\n\nb"), (Strings{"a", "\n", "\n", "b"}));
  EXPECT_EQ(words("a  "), (Strings{"a", "  "}));
  EXPECT_EQ(words(" "), (Strings{" "}));
  EXPECT_EQ(words("it's we'll I'd 'silly"), (Strings{"it", "'s", " we", "'ll", " I", "'d", " '", "silly"}));
  EXPECT_EQ(words("'s'S"), (Strings{"'s", "'", "S"}));
  EXPECT_EQ(words(" 's ''s"), (Strings{" '", "s", " ''", "s"}));
  EXPECT_EQ(words("a1b½c"), (Strings{"a", "1", "b", "½", "c"}));
  EXPECT_EQ(words("x==y !!"), (Strings{"x", "==", "y", " !!"}));
  EXPECT_EQ(words("на é😁 中"), (Strings{"на", " é", "😁", " 中"}));
  EXPECT_EQ(words("e\u0301e"), (Strings{"e", "\u0301", "e"}));  // a mark is no letter
  EXPECT_EQ(words("a\u00A0b\u3000\u3000c"), (Strings{"a", "\u00A0", "b", "\u3000", "\u3000", "c"}));
  EXPECT_EQ(words("a\xFF\xC3(b"), (Strings{"a", "\xFF\xC3(", "b"}));
}

/// Merges the best pair, leftmost first, looking at all pairs every time.
Ids merge_slowly(Ids ids, const Merges& rules) {
  for (;;) {
    std::uint32_t best = Merges::kNone;
    std::size_t at = 0;
    for (std::size_t i = 0; i + 1 < ids.size(); ++i) {
      if (const std::uint32_t rank = rules.rank(ids[i], ids[i + 1]); rank < best) {
        best = rank;
        at = i;
      }
    }
    if (best == Merges::kNone) return ids;
    ids[at] = rules.rules()[best].merged;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

/// All strings of "ab" up to length 4 as tokens, and some of their pairs as rules, in random order.
std::pair<Vocabulary, Merges> random_rules(Random& random) {
  Strings texts{"a", "b"};
  for (std::size_t i = 0; texts[i].size() < 4; ++i) {
    texts.push_back(texts[i] + "a");
    texts.push_back(texts[i] + "b");
  }
  VocabularyBuilder builder;
  for (std::size_t i = 0; i < texts.size(); ++i) builder.add(texts[i], static_cast<std::int64_t>(i));
  std::pair<Vocabulary, Merges> out{builder.build("f"), Merges()};
  for (int tries = 0; tries < 40; ++tries) {
    const auto& left = texts[random.below(texts.size())];
    const auto& right = texts[random.below(texts.size())];
    if (left.size() + right.size() <= 4) out.second.add(left, right, out.first);
  }
  return out;
}

TEST(Merger, GivesWhatASearchOfAllPairsGives) {
  Random random(7);
  for (int round = 0; round < 300; ++round) {
    const auto [vocabulary, rules] = random_rules(random);
    Merger merger(rules);
    for (const std::size_t length : {0, 1, 2, 3, 7, 40}) {
      Ids ids;
      while (ids.size() < length) ids.push_back(static_cast<std::int32_t>(random.below(2)));
      const Ids expected = merge_slowly(ids, rules);
      merger.merge(ids);
      ASSERT_EQ(ids, expected);
    }
  }
}

TEST(BytePair, MergesByRank) {
  const auto t = make_tokenizer(small_bpe().files());
  EXPECT_EQ(t->encode("the").ids, (Ids{257}));
  EXPECT_EQ(t->encode(" the").ids, (Ids{259}));  // "th" ranks before " t"
  EXPECT_EQ(t->encode(" to").ids, (Ids{258, 'o'}));
  EXPECT_EQ(t->encode("").ids, (Ids{}));
  EXPECT_EQ(t->encode("the the").offsets, (Offsets{{0, 3}, {3, 7}}));
  EXPECT_EQ(t->token(259), " the");
  EXPECT_EQ(t->find("Ġthe"), 259);
  EXPECT_EQ(t->kind(), "BPE");
}

TEST(BytePair, OffsetsCutCharactersIntoTheirBytes) {
  const auto t = make_tokenizer(small_bpe().files());
  const Encoding e = t->encode("é");
  EXPECT_EQ(e.ids, (Ids{0xC3, 0xA9}));
  EXPECT_EQ(e.offsets, (Offsets{{0, 1}, {1, 2}}));
  EXPECT_EQ(character_offsets("é", e.offsets), (Offsets{{0, 1}, {0, 1}}));
  EXPECT_EQ(t->token_bytes(0xC3), "\xC3");
}

TEST(BytePair, RecognisesTheEndOfTextWhenAsked) {
  const auto t = make_tokenizer(small_bpe().files());
  const std::string text = "the<|endoftext|> the";
  const Encoding e = t->encode(text);
  EXPECT_EQ(e.ids, (Ids{257, 260, 259}));
  EXPECT_EQ(e.flags, (std::vector<std::uint8_t>{0, kSpecial, 0}));
  EXPECT_EQ(t->decode(e.ids), "the the");
  EXPECT_EQ(t->decode(e.ids, {.skip_special = false}), text);
  EXPECT_EQ(t->encode(text, kPlain).size(), 2 + std::string("<|endoftext|>").size());
  EXPECT_EQ(t->special().eos, 260);
  EXPECT_EQ(t->special().bos, 260);
  EXPECT_EQ(t->special().cls, std::nullopt);
}

TEST(BytePair, APairIsOneTextAfterTheOther) {
  const auto t = make_tokenizer(small_bpe().files());
  const Encoding e = t->encode_pair("the", " the");
  EXPECT_EQ(e.ids, (Ids{257, 259}));
  EXPECT_EQ(e.type_ids, (Ids{0, 1}));
}

TEST(BytePair, APrefixSpaceHasNoWidth) {
  TokenizerFiles files = small_bpe().files();
  files.contents["tokenizer_config.json"] = R"({"add_prefix_space": true})";
  const auto t = make_tokenizer(files);
  const Encoding e = t->encode("the the");
  EXPECT_EQ(e.ids, (Ids{259, 259}));
  EXPECT_EQ(e.offsets, (Offsets{{0, 3}, {3, 7}}));
  EXPECT_EQ(t->encode(" the").ids, (Ids{259}));
  EXPECT_EQ(t->encode("x").offsets, (Offsets{{0, 0}, {0, 1}}));
}

}  // namespace
}  // namespace spatten

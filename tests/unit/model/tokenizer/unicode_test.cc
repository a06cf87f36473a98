// SPDX-License-Identifier: Apache-2.0
// Decoding of good and broken UTF-8, character classes, offsets in characters.
#include "spatten/model/tokenizer/unicode.h"

#include <gtest/gtest.h>

#include <vector>

#include "spatten/base/error.h"
#include "spatten/model/tokenizer/byte_alphabet.h"
#include "spatten/model/tokenizer/encoding.h"

namespace spatten {
namespace {

std::vector<std::size_t> piece_lengths(std::string_view text) {
  std::vector<std::size_t> out;
  for (std::size_t at = 0; at < text.size(); at += out.back()) out.push_back(decode_utf8(text, at).bytes);
  return out;
}

TEST(Unicode, EveryCodePointSurvivesEncodingAndDecoding) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800) c = 0xE000;
    std::string text;
    append_utf8(text, c);
    const CodePoint back = decode_utf8(text, 0);
    ASSERT_TRUE(back.valid && back.value == c && back.bytes == text.size()) << static_cast<std::uint32_t>(c);
  }
}

TEST(Unicode, BrokenBytesAreTakenInMaximalPieces) {
  using Lengths = std::vector<std::size_t>;
  // The example of the Unicode standard, table 3-8: each broken piece is one replacement character.
  EXPECT_EQ(piece_lengths("\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64"),
            (Lengths{1, 3, 2, 1, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(piece_lengths("\xC0\xAF"), (Lengths{1, 1}));                // overlong
  EXPECT_EQ(piece_lengths("\xED\xA0\x80"), (Lengths{1, 1, 1}));         // surrogate
  EXPECT_EQ(piece_lengths("\xF4\x90\x80\x80"), (Lengths{1, 1, 1, 1}));  // above U+10FFFF
  EXPECT_EQ(piece_lengths("\xF0\x9F\x98"), (Lengths{3}));               // cut off
  EXPECT_FALSE(decode_utf8("\xFF", 0).valid);
  EXPECT_EQ(decode_utf8("\xFF", 0).value, kReplacement);
}

TEST(Unicode, ClassesAreThoseOfBert) {
  for (const char c : std::string_view("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")) {
    EXPECT_TRUE(is_punctuation(static_cast<char32_t>(c))) << c;
  }
  for (const char c : std::string_view("azAZ09 \n")) EXPECT_FALSE(is_punctuation(static_cast<char32_t>(c))) << c;
  EXPECT_TRUE(is_punctuation(0x2014));   // em dash
  EXPECT_TRUE(is_punctuation(0x3002));   // ideographic full stop
  EXPECT_FALSE(is_punctuation(0x20AC));  // euro sign: a symbol, and not of ASCII
  for (const char32_t c : {0x00, 0x0B, 0x1F, 0x7F, 0x85, 0x200D, 0xFEFF, 0xE000}) EXPECT_TRUE(is_control(c));
  for (const char32_t c : {0x09, 0x0A, 0x0D, 0x20, 0x41, 0xA0}) EXPECT_FALSE(is_control(c));
  for (const char32_t c : {0x09, 0x0B, 0x20, 0x85, 0xA0, 0x2028, 0x3000}) EXPECT_TRUE(is_space(c));
  for (const char32_t c : {0x1C, 0x200B, 0x41}) EXPECT_FALSE(is_space(c));
  EXPECT_TRUE(is_letter(0x4E2D) && is_letter(0xAA) && !is_letter(0x301));
  EXPECT_TRUE(is_number(0xBD) && is_number(0x0663) && !is_number('a'));
  EXPECT_TRUE(is_cjk_ideograph(0x4E00) && is_cjk_ideograph(0x2F800) && !is_cjk_ideograph(0x3042));
}

TEST(Unicode, DecompositionIsFullAndCanonical) {
  char32_t parts[4];
  ASSERT_EQ(decompose(0x1EC7, parts), 3u);  // e with circumflex and dot below
  EXPECT_EQ(parts[0], U'e');
  EXPECT_EQ(parts[1], 0x323u);
  EXPECT_EQ(parts[2], 0x302u);
  EXPECT_EQ(decompose(0xAC01, parts), 3u);  // Hangul
  EXPECT_EQ(decompose(0xFB01, parts), 1u);  // the fi ligature is a compatibility character and stays
  EXPECT_EQ(to_lower(0x411), 0x431u);
}

TEST(ByteAlphabet, IsABijectionOfBytesAndKnowsItsCharacters) {
  std::string all;
  for (int b = 0; b < 256; ++b) all += static_cast<char>(b);
  EXPECT_EQ(from_byte_alphabet(to_byte_alphabet(all)), all);
  EXPECT_EQ(to_byte_alphabet(" the\n"), "ĠtheĊ");
  EXPECT_EQ(from_byte_alphabet("a b"), std::nullopt);
  EXPECT_EQ(from_byte_alphabet("中"), std::nullopt);
  EXPECT_EQ(from_byte_alphabet("\xC4"), std::nullopt);
}

TEST(CharacterOffsets, CountCodePointsAndWidenToWholeOnes) {
  const std::string text = "aé😁\xFFz";  // bytes 0, 1-2, 3-6, 7, 8
  const std::vector<Offset> bytes{{0, 1}, {1, 3}, {3, 7}, {7, 8}, {8, 9}, {0, 9}, {4, 6}, {2, 4}, {9, 9}, {0, 0}};
  const std::vector<Offset> characters{{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5}, {0, 5}, {2, 3}, {1, 3}, {5, 5}, {0, 0}};
  EXPECT_EQ(character_offsets(text, bytes), characters);
  EXPECT_EQ(character_offsets("", {{0, 0}}), (std::vector<Offset>{{0, 0}}));
  EXPECT_THROW(character_offsets("a", {{0, 2}}), Bug);
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// BERT's words: clean-up, accents and case, then a cut at white space, around punctuation and around CJK ideographs.
// Every byte of a word remembers which bytes of the original text it stands for. Follows Hugging Face's BertNormalizer
// and BertPreTokenizer (code point by code point, so a final capital sigma becomes the ordinary small sigma).
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "spatten/model/tokenizer/encoding.h"

namespace spatten {

struct BertNormalization {
  bool clean_text = true;      // drop NUL, U+FFFD (invalid UTF-8 included) and control characters
  bool split_chinese = true;   // each CJK ideograph is a word
  bool strip_accents = false;  // canonical decomposition without the nonspacing marks
  bool lower_case = false;
};

struct Word {
  std::string text;             // normalised UTF-8, not empty
  std::vector<Offset> origins;  // per byte of `text`: bytes of the original; a stripped accent belongs to its letter
  std::size_t characters = 0;   // above the limit of for_each_word: text and origins are cut short
  Offset span;                  // all bytes of the original
};

/// Calls `take` for each word in order; the reference is valid only during the call. Needs time proportional to the
/// text and memory for `max_characters`, whatever the text.
void for_each_word(std::string_view text, const BertNormalization& normalization, std::size_t max_characters,
                   const std::function<void(const Word&)>& take);

}  // namespace spatten

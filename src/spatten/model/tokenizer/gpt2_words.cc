// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/gpt2_words.h"

#include "spatten/model/tokenizer/unicode.h"

namespace spatten {
namespace {

enum class Kind { kSpace, kLetter, kNumber, kOther, kEnd };

struct Step {
  Kind kind;
  std::size_t end;  // byte behind the code point
};

Step step(std::string_view text, std::size_t at) {
  if (at >= text.size()) return {Kind::kEnd, at};
  const CodePoint c = decode_utf8(text, at);
  const Kind kind = is_letter(c.value)   ? Kind::kLetter
                    : is_number(c.value) ? Kind::kNumber
                    : is_space(c.value)  ? Kind::kSpace
                                         : Kind::kOther;
  return {kind, at + c.bytes};
}

/// End of the run of `kind` that starts at `at`.
std::size_t run_end(std::string_view text, std::size_t at, Kind kind) {
  for (Step s = step(text, at); s.kind == kind; s = step(text, at)) at = s.end;
  return at;
}

/// \s+(?!\S)|\s+ : all of the white space at the end of the text; before a word all but its last character, which is
/// left to be the word's leading space; a single one is taken anyway.
std::size_t space_end(std::string_view text, std::size_t begin) {
  std::size_t last = begin, at = begin;
  for (Step s = step(text, at); s.kind == Kind::kSpace; s = step(text, at)) {
    last = at;
    at = s.end;
  }
  return at == text.size() || last == begin ? at : last;
}

std::size_t contraction_length(std::string_view text) {
  for (const std::string_view ending : {"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"}) {
    if (text.starts_with(ending)) return ending.size();
  }
  return 0;
}

}  // namespace

std::size_t gpt2_word_end(std::string_view text, std::size_t begin) {
  if (text[begin] == '\'') {
    if (const std::size_t length = contraction_length(text.substr(begin)); length > 0) return begin + length;
  }
  const std::size_t word = text[begin] == ' ' ? begin + 1 : begin;
  const Step first = step(text, word);
  if (first.kind == Kind::kSpace || first.kind == Kind::kEnd) return space_end(text, begin);
  return run_end(text, first.end, first.kind);
}

}  // namespace spatten

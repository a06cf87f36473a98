// SPDX-License-Identifier: Apache-2.0
// Code points of text that may be broken, and the character classes on which tokenizers split. Tables: utf8proc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace spatten {

constexpr char32_t kReplacement = 0xFFFD;

struct CodePoint {
  char32_t value = 0;
  std::size_t bytes = 0;
  bool valid = true;  // false: `bytes` bytes that are no UTF-8; the value is then kReplacement
};

/// The code point at `at` < text.size(). Bad bytes are taken in maximal pieces (Unicode 3.9, "U+FFFD substitution of
/// maximal subparts"), so that their number is the same as in Python and in browsers.
CodePoint decode_utf8(std::string_view text, std::size_t at);
void append_utf8(std::string& out, char32_t c);

bool is_letter(char32_t c);       // L*
bool is_number(char32_t c);       // N*
bool is_space(char32_t c);        // White_Space
bool is_accent(char32_t c);       // Mn
bool is_control(char32_t c);      // C*, unassigned code points included, except tab, line feed, carriage return
bool is_punctuation(char32_t c);  // P*, and the ASCII symbols that BERT counts among them
bool is_cjk_ideograph(char32_t c);
char32_t to_lower(char32_t c);  // simple mapping
int combining_class(char32_t c);

/// Full canonical decomposition of one code point; at most 4. Returns the number written.
std::size_t decompose(char32_t c, char32_t out[4]);

}  // namespace spatten

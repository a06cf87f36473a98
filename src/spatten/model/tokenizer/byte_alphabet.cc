// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/byte_alphabet.h"

#include <array>

#include "spatten/model/tokenizer/unicode.h"

namespace spatten {
namespace {

struct Alphabet {
  std::array<char32_t, 256> character{};
  std::array<int, 256 + 68> byte{};  // by character, -1: not of the alphabet
};

constexpr Alphabet make_alphabet() {
  Alphabet a;
  for (int& b : a.byte) b = -1;
  char32_t extra = 256;
  for (int b = 0; b < 256; ++b) {
    const bool printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b != 0xAD);
    const char32_t c = printable ? static_cast<char32_t>(b) : extra++;
    a.character[static_cast<std::size_t>(b)] = c;
    a.byte[c] = b;
  }
  return a;
}

constexpr Alphabet kAlphabet = make_alphabet();

}  // namespace

std::string to_byte_alphabet(std::string_view bytes) {
  std::string out;
  for (const char b : bytes) append_utf8(out, kAlphabet.character[static_cast<unsigned char>(b)]);
  return out;
}

std::optional<std::string> from_byte_alphabet(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    if (!c.valid || c.value >= kAlphabet.byte.size() || kAlphabet.byte[c.value] < 0) return std::nullopt;
    out += static_cast<char>(kAlphabet.byte[c.value]);
    at += c.bytes;
  }
  return out;
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/tokenizer.h"

#include "spatten/base/error.h"

namespace spatten {

Tokenizer::Tokenizer(TokenizerParts parts) : parts_(std::move(parts)) {}

void Tokenizer::check_id(std::int32_t id) const {
  if (id < 0 || static_cast<std::size_t>(id) >= vocab_size()) {
    throw Error(fmt::format("token id: expected 0 to {}, found {}", vocab_size() - 1, id));
  }
}

Encoding Tokenizer::encode_text(std::string_view text, const EncodeOptions& options) const {
  Encoding out;
  for (std::size_t at = 0; at < text.size();) {
    const AddedTokens::Found found = parts_.added.next(text, at, options.special_in_text);
    if (found.begin > at) encode_plain(text.substr(at, found.begin - at), at, out);
    if (found.end > found.begin) {
      const std::uint8_t flag = is_special(found.id) ? kSpecial : 0;
      out.push(found.id, {found.begin, found.end}, flag);
    }
    at = found.end;
  }
  return out;
}

Encoding Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  const Encoding plain = encode_text(text, options);
  return options.special_tokens ? with_special_tokens(plain) : plain;
}

Encoding Tokenizer::encode_pair(std::string_view a, std::string_view b, const EncodeOptions& options) const {
  Encoding first = encode_text(a, options);
  const Encoding second = encode_text(b, options);
  if (options.special_tokens) return with_special_tokens(first, second);
  first.append(second, 0, second.size(), 1);
  return first;
}

}  // namespace spatten

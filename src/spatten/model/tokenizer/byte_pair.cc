// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/byte_pair.h"

#include <algorithm>

#include "spatten/base/error.h"
#include "spatten/model/tokenizer/byte_alphabet.h"
#include "spatten/model/tokenizer/gpt2_words.h"

namespace spatten {

BytePairTokenizer::BytePairTokenizer(TokenizerParts parts, Merges merges, bool add_prefix_space,
                                     const std::string& file)
    : Tokenizer(std::move(parts)), merges_(std::move(merges)), add_prefix_space_(add_prefix_space) {
  bytes_.reserve(vocab_size());
  for (std::size_t i = 0; i < vocab_size(); ++i) bytes_.push_back(bytes_of(static_cast<std::int32_t>(i), file));
  find_byte_tokens(file);
  check_merges(file);
}

/// An added token is found in the raw text, so it stands for itself.
std::string BytePairTokenizer::bytes_of(std::int32_t id, const std::string& file) const {
  const std::string& text = parts_.vocabulary.text(id);
  if (parts_.added.contains(id)) return text;
  if (auto bytes = from_byte_alphabet(text)) return std::move(*bytes);
  throw Error(file, "", fmt::format("expected tokens of the byte alphabet, found {} with id {}", printable(text), id));
}

void BytePairTokenizer::find_byte_tokens(const std::string& file) {
  for (std::size_t b = 0; b < byte_ids_.size(); ++b) {
    const std::string byte(1, static_cast<char>(b)), written = to_byte_alphabet(byte);
    const auto id = parts_.vocabulary.find(written);
    if (!id || bytes_[static_cast<std::size_t>(*id)] != byte) {
      throw Error(file, "", fmt::format("expected a token for each byte, found none for byte {} ({})", b, written));
    }
    byte_ids_[b] = *id;
  }
}

void BytePairTokenizer::check_merges(const std::string& file) const {
  const auto length = [&](std::int32_t id) { return bytes_[static_cast<std::size_t>(id)].size(); };
  for (const Merges::Rule& rule : merges_.rules()) {
    if (length(rule.left) + length(rule.right) == length(rule.merged)) continue;
    const std::string& text = parts_.vocabulary.text(rule.merged);
    throw Error(file, "",
                fmt::format("expected merges of bytes, found one of an added token, which makes {}", printable(text)));
  }
}

void BytePairTokenizer::encode_plain(std::string_view text, std::size_t base, Encoding& out) const {
  const bool prefixed = add_prefix_space_ && !text.starts_with(' ');
  const std::string with_space = prefixed ? std::string(" ").append(text) : std::string();
  const std::string_view scanned = prefixed ? std::string_view(with_space) : text;
  // A place in `scanned` as a place in the whole text; the added space has no width.
  const auto place = [&](std::size_t at) { return base + (prefixed ? std::max<std::size_t>(at, 1) - 1 : at); };

  Merger merger(merges_);
  std::vector<std::int32_t> ids;
  for (std::size_t begin = 0; begin < scanned.size();) {
    const std::size_t end = gpt2_word_end(scanned, begin);
    ids.clear();
    for (const char b : scanned.substr(begin, end - begin)) ids.push_back(byte_ids_[static_cast<unsigned char>(b)]);
    merger.merge(ids);
    for (const std::int32_t id : ids) {
      const std::size_t next = begin + bytes_[static_cast<std::size_t>(id)].size();
      out.push(id, {place(begin), place(next)});
      begin = next;
    }
    SPATTEN_CHECK(begin == end);
  }
}

Encoding BytePairTokenizer::with_special_tokens(const Encoding& a, const Encoding& b) const {
  Encoding out = a;
  out.append(b, 0, b.size(), 1);
  return out;
}

std::string BytePairTokenizer::token_bytes(std::int32_t id) const {
  check_id(id);
  return bytes_[static_cast<std::size_t>(id)];
}

std::string BytePairTokenizer::decode(std::span<const std::int32_t> ids, const DecodeOptions& options) const {
  std::string out;
  for (const std::int32_t id : ids) {
    check_id(id);
    if (options.skip_special && is_special(id)) continue;
    out += bytes_[static_cast<std::size_t>(id)];
  }
  return out;
}

}  // namespace spatten

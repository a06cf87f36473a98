// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/wordpiece.h"

#include "spatten/base/error.h"

namespace spatten {
namespace {

Trie trie_of(const Vocabulary& vocabulary) {
  std::vector<std::pair<std::string_view, std::int32_t>> entries;
  entries.reserve(vocabulary.size());
  for (std::size_t i = 0; i < vocabulary.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    entries.emplace_back(vocabulary.text(id), id);
  }
  return Trie(std::move(entries));
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  std::size_t at = text.find(from);
  if (at == std::string::npos) return;
  std::string out;
  std::size_t done = 0;
  for (; at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done).append(to);
    done = at + from.size();
  }
  text = out.append(text, done);
}

/// Hugging Face's clean_up_tokenization: the same rules in the same order.
void clean_up_spaces(std::string& text) {
  for (const std::string_view mark : {".", "?", "!", ","}) replace_all(text, std::string(" ").append(mark), mark);
  replace_all(text, " ' ", "'");
  for (const std::string_view ending : {"n't", "'m", "'s", "'ve", "'re"}) {
    replace_all(text, std::string(" ").append(ending), ending);
  }
}

}  // namespace

WordPieceTokenizer::WordPieceTokenizer(TokenizerParts parts, WordPieceOptions options)
    : Tokenizer(std::move(parts)), options_(std::move(options)), pieces_(trie_of(parts_.vocabulary)) {
  SPATTEN_CHECK(parts_.special.unk.has_value());
  continuation_node_ = pieces_.walk(Trie::kRoot, options_.continuation);
}

void WordPieceTokenizer::encode_plain(std::string_view text, std::size_t base, Encoding& out) const {
  for_each_word(text, options_.normalization, options_.max_word_characters,
                [&](const Word& word) { encode_word(word, base, out); });
}

void WordPieceTokenizer::encode_word(const Word& word, std::size_t base, Encoding& out) const {
  const auto unknown = [&] { out.push(*parts_.special.unk, {base + word.span.begin, base + word.span.end}); };
  if (word.characters > options_.max_word_characters) return unknown();
  const std::size_t first = out.size();
  const std::string_view text = word.text;
  Trie::Node from = Trie::kRoot;
  for (std::size_t at = 0; at < text.size(); from = continuation_node_) {
    const auto any = [](std::int32_t) { return true; };
    const Trie::Match piece = from == Trie::kNone ? Trie::Match{} : pieces_.longest(from, text.substr(at), any);
    if (piece.length == 0) {
      out.truncate(first);
      return unknown();
    }
    out.push(piece.value, {base + word.origins[at].begin, base + word.origins[at + piece.length - 1].end});
    at += piece.length;
  }
}

Encoding WordPieceTokenizer::with_special_tokens(const Encoding& a) const {
  const auto& special = parts_.special;
  if (!special.cls) throw Error("vocabulary: expected the token [CLS], found none");
  if (!special.sep) throw Error("vocabulary: expected the token [SEP], found none");
  Encoding out;
  out.push(*special.cls, {}, kSpecial | kCls);
  out.append(a, 0, a.size(), 0);
  out.push(*special.sep, {}, kSpecial | kSep);
  return out;
}

Encoding WordPieceTokenizer::with_special_tokens(const Encoding& a, const Encoding& b) const {
  Encoding out = with_special_tokens(a);
  out.append(b, 0, b.size(), 1);
  out.push(*parts_.special.sep, {}, kSpecial | kSep, 1);
  return out;
}

std::string WordPieceTokenizer::token(std::int32_t id) const {
  check_id(id);
  return parts_.vocabulary.text(id);
}

std::string WordPieceTokenizer::token_bytes(std::int32_t id) const {
  const std::string text = token(id);
  const std::string& mark = options_.continuation;
  const bool continues = !mark.empty() && text.size() > mark.size() && text.starts_with(mark);
  return continues ? text.substr(mark.size()) : " " + text;
}

std::string WordPieceTokenizer::decode(std::span<const std::int32_t> ids, const DecodeOptions& options) const {
  std::string out;
  bool at_start = true;
  for (const std::int32_t id : ids) {
    check_id(id);
    if (options.skip_special && is_special(id)) continue;
    // The first token is written as it is, "##" included, as Hugging Face does.
    out += at_start ? token(id) : token_bytes(id);
    at_start = false;
  }
  clean_up_spaces(out);
  return out;
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/load.h"

#include "spatten/base/file.h"
#include "spatten/model/tokenizer/byte_pair.h"
#include "spatten/model/tokenizer/tokenizer_config.h"
#include "spatten/model/tokenizer/tokenizer_json.h"
#include "spatten/model/tokenizer/unicode.h"
#include "spatten/model/tokenizer/vocabulary_files.h"
#include "spatten/model/tokenizer/wordpiece.h"

namespace spatten {
namespace {

const std::string* contents(const TokenizerFiles& files, std::string_view name) {
  const auto it = files.contents.find(name);
  return it == files.contents.end() ? nullptr : &it->second;
}

std::optional<JsonFile> json(const TokenizerFiles& files, std::string_view name) {
  const std::string* text = contents(files, name);
  if (text == nullptr) return std::nullopt;
  return parse_tokenizer_json(*text, join_path(files.folder, name));
}

bool has_upper_case(const Vocabulary& vocabulary) {
  for (std::size_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& text = vocabulary.text(static_cast<std::int32_t>(id));
    if (text.starts_with('[') && text.ends_with(']')) continue;
    for (std::size_t at = 0; at < text.size();) {
      const CodePoint c = decode_utf8(text, at);
      if (to_lower(c.value) != c.value) return true;
      at += c.bytes;
    }
  }
  return false;
}

/// The tokens beside a vocabulary that is already in `builder`.
TokenizerConfig read_side_files(const TokenizerFiles& files, VocabularyBuilder& builder,
                                std::vector<AddedToken>& added) {
  if (const auto file = json(files, "added_tokens.json")) read_added_tokens_file(file->root(), builder, added);
  const auto file = json(files, "tokenizer_config.json");
  return file ? read_tokenizer_config(file->root(), builder, added) : TokenizerConfig{};
}

std::unique_ptr<Tokenizer> from_vocab_txt(const TokenizerFiles& files) {
  const std::string name = join_path(files.folder, "vocab.txt");
  VocabularyBuilder builder;
  std::vector<AddedToken> added;
  read_vocab_txt(*contents(files, "vocab.txt"), name, builder);
  const TokenizerConfig config = read_side_files(files, builder, added);
  TokenizerParts parts = make_parts(builder.build(name), std::move(added), config.roles, RoleNames::bert());
  if (!parts.special.unk) throw Error(name, "", "expected the token for unknown words ([UNK]), found none");

  WordPieceOptions options;
  const bool lower = config.do_lower_case ? *config.do_lower_case : !has_upper_case(parts.vocabulary);
  options.normalization.lower_case = lower;
  options.normalization.strip_accents = config.strip_accents.value_or(lower);
  options.normalization.split_chinese = config.tokenize_chinese_chars.value_or(true);
  return std::make_unique<WordPieceTokenizer>(std::move(parts), std::move(options));
}

std::unique_ptr<Tokenizer> from_vocab_and_merges(const TokenizerFiles& files) {
  const std::string name = join_path(files.folder, "vocab.json");
  VocabularyBuilder builder;
  std::vector<AddedToken> added;
  read_vocab_json(json(files, "vocab.json")->root(), builder);
  const TokenizerConfig config = read_side_files(files, builder, added);
  TokenizerParts parts = make_parts(builder.build(name), std::move(added), config.roles, RoleNames::gpt2());
  Merges merges =
      read_merges_txt(*contents(files, "merges.txt"), join_path(files.folder, "merges.txt"), parts.vocabulary);
  return std::make_unique<BytePairTokenizer>(std::move(parts), std::move(merges),
                                             config.add_prefix_space.value_or(false), name);
}

std::unique_ptr<Tokenizer> from_tokenizer_json(const TokenizerFiles& files, std::optional<Family> family) {
  const JsonFile file = std::move(*json(files, "tokenizer.json"));
  const auto config = json(files, "tokenizer_config.json");
  auto tokenizer = tokenizer_from_json(file, config ? &*config : nullptr);
  const std::string_view wanted = family == Family::kBert ? "WordPiece" : family == Family::kGpt2 ? "BPE" : "";
  if (!wanted.empty() && tokenizer->kind() != wanted) {
    throw Error(file.name(), "", fmt::format("expected a tokenizer of type {}, found {}", wanted, tokenizer->kind()));
  }
  return tokenizer;
}

}  // namespace

std::unique_ptr<Tokenizer> make_tokenizer(const TokenizerFiles& files, std::optional<Family> family) {
  const auto has = [&](std::string_view name) { return contents(files, name) != nullptr; };
  const bool may_be_bert = family != Family::kGpt2, may_be_gpt2 = family != Family::kBert;
  if (may_be_bert && has("vocab.txt")) return from_vocab_txt(files);
  if (may_be_gpt2 && has("vocab.json") && has("merges.txt")) return from_vocab_and_merges(files);
  if (has("tokenizer.json")) return from_tokenizer_json(files, family);
  const std::string_view wanted = !may_be_gpt2   ? "vocab.txt or tokenizer.json"
                                  : !may_be_bert ? "vocab.json with merges.txt, or tokenizer.json"
                                                 : "vocab.txt, vocab.json with merges.txt, or tokenizer.json";
  throw Error(files.folder, "", fmt::format("expected a tokenizer ({}), found none", wanted));
}

std::unique_ptr<Tokenizer> load_tokenizer(const std::string& folder, std::optional<Family> family) {
  if (!is_directory(folder)) throw Error(folder, "", "expected a folder with a tokenizer, found none");
  TokenizerFiles files{folder, {}};
  const auto read = [&](const char* name) {
    const std::string path = join_path(folder, name);
    if (is_file(path)) files.contents[name] = read_file(path, VocabularyLimits::kFileBytes);
  };
  for (const char* name : {"vocab.txt", "vocab.json", "merges.txt", "tokenizer_config.json", "added_tokens.json"})
    read(name);
  const bool complete =
      (family != Family::kGpt2 && files.contents.contains("vocab.txt")) ||
      (family != Family::kBert && files.contents.contains("vocab.json") && files.contents.contains("merges.txt"));
  if (!complete) read("tokenizer.json");
  return make_tokenizer(files, family);
}

}  // namespace spatten

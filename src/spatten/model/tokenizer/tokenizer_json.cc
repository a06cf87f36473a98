// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/tokenizer_json.h"

#include "spatten/model/tokenizer/byte_pair.h"
#include "spatten/model/tokenizer/tokenizer_config.h"
#include "spatten/model/tokenizer/vocabulary_files.h"
#include "spatten/model/tokenizer/wordpiece.h"

namespace spatten {
namespace {

/// "type" of the part `key` of `root`, empty when that is null; throws when it is none of `supported`.
std::string type_of(const JsonNode& root, std::string_view key, std::string_view supported) {
  const auto part = root.find(key);
  if (!part) return "";
  const JsonNode type = part->at("type");
  if (type.string() != supported) {
    type.fail(
        fmt::format("expected the type {}, found {}, which is not supported", supported, printable(type.string())));
  }
  return type.string();
}

void expect_absent(const JsonNode& object, std::string_view key) {
  const auto node = object.find(key);
  if (node && !(node->is_string() && node->string().empty())) {
    node->fail(fmt::format("expected null, {} is not supported", key));
  }
}

void expect_flag(const JsonNode& object, std::string_view key, bool wanted) {
  const auto node = object.find(key);
  if (node && node->boolean() != wanted) node->fail(fmt::format("expected {}, the other is not supported", wanted));
}

/// WordPiece or BPE; files from before 2021 have no "type".
std::string model_type(const JsonNode& model) {
  if (const auto type = model.find("type")) {
    const std::string& name = type->string();
    if (name == "WordPiece" || name == "BPE") return name;
    type->fail(fmt::format("expected the type WordPiece or BPE, found {}, which is not supported", printable(name)));
  }
  if (model.find("merges")) return "BPE";
  if (model.find("max_input_chars_per_word")) return "WordPiece";
  model.fail("expected the key \"type\", found none");
}

BertNormalization read_normalization(const JsonNode& root) {
  BertNormalization out{.clean_text = false, .split_chinese = false};
  if (type_of(root, "normalizer", "BertNormalizer").empty()) return out;
  const JsonNode node = root.at("normalizer");
  const auto flag = [&](std::string_view key, bool otherwise) {
    const auto value = node.find(key);
    return value ? value->boolean() : otherwise;
  };
  out.clean_text = flag("clean_text", true);
  out.split_chinese = flag("handle_chinese_chars", true);
  out.lower_case = flag("lowercase", true);
  out.strip_accents = flag("strip_accents", out.lower_case);
  return out;
}

struct Tokens {
  VocabularyBuilder builder;
  std::vector<AddedToken> added;
  RoleNames named;
};

Tokens read_tokens(const JsonNode& root, const JsonFile* config) {
  Tokens out;
  const JsonNode model = root.at("model");
  read_vocab_json(model.at("vocab"), out.builder);
  if (const auto list = root.find("added_tokens")) read_added_tokens_list(*list, out.builder, out.added);
  if (config != nullptr) out.named = read_tokenizer_config(config->root(), out.builder, out.added).roles;
  if (const auto unk = model.find("unk_token")) out.named.unk = unk->string();
  return out;
}

std::unique_ptr<Tokenizer> read_wordpiece(const JsonFile& file, const JsonFile* config) {
  const JsonNode root = file.root(), model = root.at("model");
  WordPieceOptions options;
  options.normalization = read_normalization(root);
  if (type_of(root, "pre_tokenizer", "BertPreTokenizer").empty()) {
    root.fail("expected a pre_tokenizer of type BertPreTokenizer, found none");
  }
  if (const auto prefix = model.find("continuing_subword_prefix")) options.continuation = prefix->string();
  if (const auto limit = model.find("max_input_chars_per_word")) {
    options.max_word_characters = static_cast<std::size_t>(limit->integer(1, 10000));
  }
  Tokens tokens = read_tokens(root, config);
  TokenizerParts parts =
      make_parts(tokens.builder.build(file.name()), std::move(tokens.added), tokens.named, RoleNames::bert());
  if (!parts.special.unk) model.at("vocab").fail("expected the token for unknown words ([UNK]), found none");
  return std::make_unique<WordPieceTokenizer>(std::move(parts), std::move(options));
}

std::unique_ptr<Tokenizer> read_bpe(const JsonFile& file, const JsonFile* config) {
  const JsonNode root = file.root(), model = root.at("model");
  expect_absent(root, "normalizer");
  expect_absent(model, "dropout");
  expect_absent(model, "continuing_subword_prefix");
  expect_absent(model, "end_of_word_suffix");
  expect_flag(model, "byte_fallback", false);
  expect_flag(model, "ignore_merges", false);
  if (type_of(root, "pre_tokenizer", "ByteLevel").empty()) {
    root.fail("expected a pre_tokenizer of type ByteLevel, found none");
  }
  const JsonNode words = root.at("pre_tokenizer");
  expect_flag(words, "use_regex", true);
  const auto prefix = words.find("add_prefix_space");
  const bool add_prefix_space = prefix && prefix->boolean();

  Tokens tokens = read_tokens(root, config);
  TokenizerParts parts =
      make_parts(tokens.builder.build(file.name()), std::move(tokens.added), tokens.named, RoleNames::gpt2());
  Merges merges = read_merges_json(model.at("merges"), parts.vocabulary);
  return std::make_unique<BytePairTokenizer>(std::move(parts), std::move(merges), add_prefix_space, file.name());
}

}  // namespace

std::unique_ptr<Tokenizer> tokenizer_from_json(const JsonFile& file, const JsonFile* config) {
  return model_type(file.root().at("model")) == "BPE" ? read_bpe(file, config) : read_wordpiece(file, config);
}

}  // namespace spatten

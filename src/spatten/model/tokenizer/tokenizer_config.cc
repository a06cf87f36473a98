// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/tokenizer_config.h"

#include <algorithm>
#include <charconv>

namespace spatten {
namespace {

std::optional<bool> optional_flag(const JsonNode& object, std::string_view key) {
  const auto node = object.find(key);
  return node ? std::optional(node->boolean()) : std::nullopt;
}

/// "[CLS]" or {"content": "[CLS]", ...}
std::string token_text(const JsonNode& node) { return node.is_object() ? node.at("content").string() : node.string(); }

void add_token(const JsonNode& place, AddedToken token, VocabularyBuilder& vocabulary, std::vector<AddedToken>& added) {
  if (const auto known = vocabulary.find(token.text)) {
    if (*known != token.id) {
      place.fail(fmt::format("expected id {} as in the vocabulary, found {}", *known, token.id));
    }
  } else if (const auto wrong = vocabulary.add(token.text, token.id)) {
    place.fail(*wrong);
  }
  const auto same = std::find_if(added.begin(), added.end(), [&](const AddedToken& t) { return t.id == token.id; });
  if (same == added.end()) {
    added.push_back(std::move(token));
  } else {
    same->special = same->special || token.special;
  }
}

/// {"content": ..., "special": ..., "lstrip": false, ...}
void add_described_token(const JsonNode& node, std::int64_t id, VocabularyBuilder& vocabulary,
                         std::vector<AddedToken>& added) {
  for (const char* key : {"lstrip", "rstrip", "single_word"}) {
    if (optional_flag(node, key).value_or(false))
      node.at(key).fail("expected false, other added tokens are not supported");
  }
  const bool special = optional_flag(node, "special").value_or(false);
  add_token(node, {node.at("content").string(), static_cast<std::int32_t>(id), special}, vocabulary, added);
}

std::int64_t id_of_key(const JsonNode& node) {
  const std::string& key = node.key();
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
  if (error != std::errc() || end != key.data() + key.size() || id < 0 || id >= VocabularyLimits::kTokens) {
    node.fail(
        fmt::format("expected a key that is an id below {}, found {}", VocabularyLimits::kTokens, printable(key)));
  }
  return id;
}

}  // namespace

TokenizerConfig read_tokenizer_config(const JsonNode& root, VocabularyBuilder& vocabulary,
                                      std::vector<AddedToken>& added) {
  TokenizerConfig config;
  RoleNames::each(config.roles, [&](const char* key, std::optional<std::string>& name, auto) {
    if (const auto node = root.find(key)) name = token_text(*node);
  });
  config.do_lower_case = optional_flag(root, "do_lower_case");
  config.strip_accents = optional_flag(root, "strip_accents");
  config.tokenize_chinese_chars = optional_flag(root, "tokenize_chinese_chars");
  config.add_prefix_space = optional_flag(root, "add_prefix_space");
  if (!optional_flag(root, "do_basic_tokenize").value_or(true)) {
    root.at("do_basic_tokenize").fail("expected true, WordPiece without basic tokenization is not supported");
  }
  if (const auto list = root.find("never_split"); list && list->size() > 0) {
    list->fail("expected an empty list, never_split is not supported");
  }
  if (const auto tokens = root.find("added_tokens_decoder")) {
    for (const JsonNode& node : tokens->items()) add_described_token(node, id_of_key(node), vocabulary, added);
  }
  return config;
}

void read_added_tokens_file(const JsonNode& root, VocabularyBuilder& vocabulary, std::vector<AddedToken>& added) {
  if (!root.is_object()) root.fail_expected("an object");
  for (const JsonNode& node : root.items()) {
    const auto id = static_cast<std::int32_t>(node.integer(0, VocabularyLimits::kTokens - 1));
    add_token(node, {node.key(), id, false}, vocabulary, added);
  }
}

void read_added_tokens_list(const JsonNode& list, VocabularyBuilder& vocabulary, std::vector<AddedToken>& added) {
  if (!list.is_array()) list.fail_expected("an array");
  for (const JsonNode& node : list.items()) {
    add_described_token(node, node.at("id").integer(0, VocabularyLimits::kTokens - 1), vocabulary, added);
  }
}

TokenizerParts make_parts(Vocabulary vocabulary, std::vector<AddedToken> added, const RoleNames& named,
                          const RoleNames& defaults) {
  RoleNames roles = defaults;
  SpecialIds ids;
  std::vector<std::optional<std::string>> wins;
  RoleNames::each(named, [&](const char*, const std::optional<std::string>& name, auto) { wins.push_back(name); });
  std::size_t i = 0;
  RoleNames::each(
      roles, [&](const char*, std::optional<std::string>& name, std::optional<std::int32_t> SpecialIds::*id) {
        if (const auto& other = wins[i++]) name = other;
        const auto found = name ? vocabulary.find(*name) : std::nullopt;
        ids.*id = found;
        if (!found) return;
        const auto same = std::find_if(added.begin(), added.end(), [&](const AddedToken& t) { return t.id == *found; });
        if (same == added.end()) {
          added.push_back({*name, *found, true});
        } else {
          same->special = true;
        }
      });
  return {std::move(vocabulary), AddedTokens(added), ids};
}

}  // namespace spatten

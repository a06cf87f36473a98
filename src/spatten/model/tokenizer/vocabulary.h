// SPDX-License-Identifier: Apache-2.0
// The list of tokens: id to text and back. Ids are dense. Texts are as the vocabulary file writes them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace spatten {

/// What a tokenizer file may hold; generous for BERT and GPT-2 (30,522 and 50,257 tokens of at most 128 letters).
struct VocabularyLimits {
  static constexpr std::int64_t kTokens = std::int64_t{1} << 20;
  static constexpr std::size_t kTokenBytes = 1024;
  static constexpr std::size_t kTotalBytes = std::size_t{16} << 20;  // of all tokens together
  static constexpr std::size_t kFileBytes = std::size_t{32} << 20;
};

class Vocabulary {
 public:
  Vocabulary() = default;
  Vocabulary(Vocabulary&&) = default;
  Vocabulary& operator=(Vocabulary&&) = default;

  std::size_t size() const { return tokens_.size(); }
  /// 0 <= id < size().
  const std::string& text(std::int32_t id) const { return tokens_[static_cast<std::size_t>(id)]; }
  std::optional<std::int32_t> find(std::string_view token) const;

 private:
  friend class VocabularyBuilder;
  std::vector<std::string> tokens_;
  std::unordered_map<std::string_view, std::int32_t> ids_;  // views of tokens_, whose strings never move
};

/// Takes (token, id) in any order and refuses what breaks the rules; the caller knows the place and raises the error.
class VocabularyBuilder {
 public:
  /// What is wrong with this entry ("expected ..., found ..."), or nothing.
  std::optional<std::string> add(std::string token, std::int64_t id);
  /// Throws Error on `file` when ids are missing or there is no token at all.
  Vocabulary build(const std::string& file);
  std::size_t size() const { return by_token_.size(); }
  std::optional<std::int32_t> find(const std::string& token) const;

 private:
  std::unordered_map<std::string, std::int32_t> by_token_;
  std::unordered_map<std::int32_t, const std::string*> by_id_;
  std::size_t bytes_ = 0;
};

}  // namespace spatten

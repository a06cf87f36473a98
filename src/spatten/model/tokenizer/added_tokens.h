// SPDX-License-Identifier: Apache-2.0
// Tokens that are looked for in the raw text before anything else: "[MASK]", "<|endoftext|>", words that a user added.
// The leftmost wins, then the longest, as in Hugging Face's tokenizers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "spatten/model/tokenizer/trie.h"

namespace spatten {

struct AddedToken {
  std::string text;
  std::int32_t id = 0;
  bool special = true;  // recognised only where EncodeOptions::special_in_text is on, left out by skip_special
};

class AddedTokens {
 public:
  AddedTokens() = default;
  /// Texts are distinct and not empty.
  explicit AddedTokens(const std::vector<AddedToken>& tokens);

  bool contains(std::int32_t id) const { return special_by_id_.contains(id); }
  bool is_special(std::int32_t id) const;

  struct Found {
    std::size_t begin, end;  // bytes
    std::int32_t id;
  };
  /// The first added token at or after `from`; begin == end == text.size() when there is none.
  Found next(std::string_view text, std::size_t from, bool special_too) const;

 private:
  Trie trie_;
  std::unordered_map<std::int32_t, bool> special_by_id_;
};

}  // namespace spatten

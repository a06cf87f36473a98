// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/added_tokens.h"

namespace spatten {

AddedTokens::AddedTokens(const std::vector<AddedToken>& tokens) {
  std::vector<std::pair<std::string_view, std::int32_t>> entries;
  for (const AddedToken& t : tokens) {
    entries.emplace_back(t.text, t.id);
    special_by_id_[t.id] = t.special;
  }
  trie_ = Trie(std::move(entries));
}

bool AddedTokens::is_special(std::int32_t id) const {
  const auto it = special_by_id_.find(id);
  return it != special_by_id_.end() && it->second;
}

AddedTokens::Found AddedTokens::next(std::string_view text, std::size_t from, bool special_too) const {
  const auto accept = [&](std::int32_t id) { return special_too || !is_special(id); };
  if (!special_by_id_.empty()) {
    for (std::size_t i = from; i < text.size(); ++i) {
      const Trie::Match match = trie_.longest(Trie::kRoot, text.substr(i), accept);
      if (match.length > 0) return {i, i + match.length, match.value};
    }
  }
  return {text.size(), text.size(), 0};
}

}  // namespace spatten

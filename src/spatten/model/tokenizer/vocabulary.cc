// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/vocabulary.h"

#include "spatten/base/error.h"

namespace spatten {

std::optional<std::int32_t> Vocabulary::find(std::string_view token) const {
  const auto it = ids_.find(token);
  return it == ids_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<std::int32_t> VocabularyBuilder::find(const std::string& token) const {
  const auto it = by_token_.find(token);
  return it == by_token_.end() ? std::nullopt : std::optional(it->second);
}

std::optional<std::string> VocabularyBuilder::add(std::string token, std::int64_t id) {
  using Limits = VocabularyLimits;
  if (token.empty()) return "expected a token, found nothing";
  if (token.size() > Limits::kTokenBytes) {
    return fmt::format("expected a token of at most {} bytes, found {}", Limits::kTokenBytes, token.size());
  }
  if (id < 0 || id >= Limits::kTokens) return fmt::format("expected an id below {}, found {}", Limits::kTokens, id);
  bytes_ += token.size();
  if (bytes_ > Limits::kTotalBytes)
    return fmt::format("expected at most {} bytes of tokens, found more", Limits::kTotalBytes);

  const auto narrow = static_cast<std::int32_t>(id);
  const auto [entry, is_new] = by_token_.emplace(std::move(token), narrow);
  if (!is_new) {
    return fmt::format("expected each token once, found {} also with id {}", printable(entry->first), entry->second);
  }
  const auto [other, id_is_new] = by_id_.emplace(narrow, &entry->first);
  if (!id_is_new) {
    return fmt::format("expected each id once, found {} for {} and {}", id, printable(*other->second),
                       printable(entry->first));
  }
  return std::nullopt;
}

Vocabulary VocabularyBuilder::build(const std::string& file) {
  if (by_token_.empty()) throw Error(file, "", "expected tokens, found none");
  Vocabulary out;
  out.tokens_.reserve(by_token_.size());
  for (std::size_t id = 0; id < by_token_.size(); ++id) {
    const auto it = by_id_.find(static_cast<std::int32_t>(id));
    if (it == by_id_.end()) {
      throw Error(file, "",
                  fmt::format("expected ids 0 to {} without holes, found none with id {}", by_token_.size() - 1, id));
    }
    out.tokens_.push_back(*it->second);
  }
  for (std::size_t id = 0; id < out.tokens_.size(); ++id) out.ids_[out.tokens_[id]] = static_cast<std::int32_t>(id);
  return out;
}

}  // namespace spatten

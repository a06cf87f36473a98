// SPDX-License-Identifier: Apache-2.0
// The merge rules of byte-pair encoding, and their application to one word in O(n log n): a queue of the pairs that can
// merge, best rank first, then leftmost (the order of Hugging Face's tokenizers).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spatten/model/tokenizer/vocabulary.h"

namespace spatten {

class Merges {
 public:
  struct Rule {
    std::int32_t left = 0, right = 0, merged = 0;
  };
  static constexpr std::uint32_t kNone = UINT32_MAX;

  /// Appends the rule "left right" (as in merges.txt); its rank is the number of rules before. `tokens` holds the
  /// vocabulary. Returns what is wrong with it ("expected ..., found ..."), or nothing.
  std::optional<std::string> add(std::string_view left, std::string_view right, const Vocabulary& tokens);

  /// By rank: the first one is applied first.
  const std::vector<Rule>& rules() const { return rules_; }
  /// Rank of the rule for this pair, or kNone.
  std::uint32_t rank(std::int32_t left, std::int32_t right) const;

 private:
  std::size_t slot_of(std::int32_t left, std::int32_t right) const;
  void grow();

  std::vector<Rule> rules_;
  // Open addressing, at most half full: merging looks up two pairs per byte of text.
  std::vector<std::uint32_t> slots_ = std::vector<std::uint32_t>(16, kNone);  // ranks
};

/// Work space of merging; reuse it from word to word.
class Merger {
 public:
  explicit Merger(const Merges& rules) : rules_(&rules) {}

  /// Merges the symbols `ids` (fewer than 2^32) until no rule applies; the result replaces them.
  void merge(std::vector<std::int32_t>& ids);

 private:
  static constexpr std::uint32_t kNone = Merges::kNone;
  struct Symbol {
    std::int32_t id;  // -1: swallowed by the one before
    std::uint32_t before, after;
    std::uint32_t rank;  // of the pair with the one after, kNone: no rule
  };

  bool rank_pair(std::uint32_t at);
  void queue_pair(std::uint32_t at);
  void merge_pair(std::uint32_t at);

  const Merges* rules_;
  std::vector<Symbol> symbols_;
  std::vector<std::uint64_t> queue_;  // heap, least on top: rank << 32 | place of the left symbol
};

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// A read-only prefix tree over byte strings: finds the longest entry at a place in time proportional to its length.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace spatten {

class Trie {
 public:
  using Node = std::uint32_t;
  static constexpr Node kRoot = 0, kNone = UINT32_MAX;
  static constexpr std::int32_t kNoValue = -1;

  Trie() : Trie(std::vector<std::pair<std::string_view, std::int32_t>>{}) {}
  /// Entries (key, value >= 0) in any order, keys distinct and not empty. Keys are not kept.
  explicit Trie(std::vector<std::pair<std::string_view, std::int32_t>> entries);

  Node child(Node node, char byte) const;
  /// Where `text` leads from `node`, kNone when nothing starts so.
  Node walk(Node node, std::string_view text) const;
  std::int32_t value(Node node) const { return values_[node]; }

  struct Match {
    std::int32_t value = kNoValue;
    std::size_t length = 0;  // bytes below `from`
  };
  /// The longest way down from `from` along `text` that ends at an entry which `accept(value)` allows.
  template <class Accept>
  Match longest(Node from, std::string_view text, Accept accept) const {
    Match best;
    Node node = from;
    for (std::size_t i = 0; i < text.size(); ++i) {
      node = child(node, text[i]);
      if (node == kNone) break;
      if (values_[node] != kNoValue && accept(values_[node])) best = {values_[node], i + 1};
    }
    return best;
  }

 private:
  // Children of node n: edges first_edge_[n] .. first_edge_[n + 1] - 1, sorted by byte; edge e leads to node e + 1.
  std::vector<std::uint32_t> first_edge_;
  std::vector<unsigned char> edge_bytes_;
  std::vector<std::int32_t> values_;
};

}  // namespace spatten

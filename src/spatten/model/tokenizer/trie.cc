// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/trie.h"

#include <algorithm>

#include "spatten/base/error.h"

namespace spatten {

Trie::Trie(std::vector<std::pair<std::string_view, std::int32_t>> entries) {
  std::sort(entries.begin(), entries.end());
  // Breadth first, so that the children of a node are neighbours and every edge makes the next node. A node stands for
  // the entries lo .. hi-1, which share their first `depth` bytes.
  struct Range {
    std::size_t lo, hi, depth;
  };
  std::vector<Range> nodes{{0, entries.size(), 0}};
  for (std::size_t n = 0; n < nodes.size(); ++n) {
    auto [lo, hi, depth] = nodes[n];
    first_edge_.push_back(static_cast<std::uint32_t>(edge_bytes_.size()));
    values_.push_back(kNoValue);
    if (lo < hi && entries[lo].first.size() == depth) {
      SPATTEN_CHECK(depth > 0);
      values_.back() = entries[lo++].second;
    }
    while (lo < hi) {
      SPATTEN_CHECK(entries[lo].first.size() > depth);  // fails for a key that occurs twice
      const char byte = entries[lo].first[depth];
      std::size_t end = lo + 1;
      while (end < hi && entries[end].first[depth] == byte) ++end;
      edge_bytes_.push_back(static_cast<unsigned char>(byte));
      nodes.push_back({lo, end, depth + 1});
      lo = end;
    }
  }
  first_edge_.push_back(static_cast<std::uint32_t>(edge_bytes_.size()));
}

Trie::Node Trie::child(Node node, char byte) const {
  const auto begin = edge_bytes_.begin() + first_edge_[node], end = edge_bytes_.begin() + first_edge_[node + 1];
  const auto at = std::lower_bound(begin, end, static_cast<unsigned char>(byte));
  if (at == end || *at != static_cast<unsigned char>(byte)) return kNone;
  return static_cast<Node>(at - edge_bytes_.begin()) + 1;
}

Trie::Node Trie::walk(Node node, std::string_view text) const {
  for (const char byte : text) {
    if (node == kNone) return kNone;
    node = child(node, byte);
  }
  return node;
}

}  // namespace spatten

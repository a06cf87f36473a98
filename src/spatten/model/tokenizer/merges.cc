// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/merges.h"

#include <algorithm>
#include <functional>

#include "spatten/base/error.h"

namespace spatten {
namespace {

std::uint64_t pair_key(std::int32_t left, std::int32_t right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
}

}  // namespace

std::optional<std::string> Merges::add(std::string_view left, std::string_view right, const Vocabulary& tokens) {
  std::array<std::int32_t, 3> ids{};
  const std::array<std::string, 3> texts{std::string(left), std::string(right), std::string(left).append(right)};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto id = tokens.find(texts[i]);
    if (!id) return fmt::format("expected tokens of the vocabulary, found {}", printable(texts[i]));
    ids[i] = *id;
  }
  const Rule rule{static_cast<std::uint32_t>(rules_.size()), ids[0], ids[1], ids[2]};
  if (!rules_.emplace(pair_key(ids[0], ids[1]), rule).second) {
    return fmt::format("expected each merge once, found {} twice", printable(texts[0] + " " + texts[1]));
  }
  return std::nullopt;
}

const Merges::Rule* Merges::find(std::int32_t left, std::int32_t right) const {
  const auto it = rules_.find(pair_key(left, right));
  return it == rules_.end() ? nullptr : &it->second;
}

/// Sets the rank of the pair that starts at `at` and queues it when a rule applies.
void Merger::push_pair(std::uint32_t at) {
  Symbol& s = symbols_[at];
  const Merges::Rule* rule = s.after == kNone ? nullptr : rules_->find(s.id, symbols_[s.after].id);
  s.rank = rule == nullptr ? kNone : rule->rank;
  if (rule == nullptr) return;
  queue_.push_back(static_cast<std::uint64_t>(s.rank) << 32 | at);
  std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
}

void Merger::merge(std::vector<std::int32_t>& ids) {
  if (ids.size() < 2) return;
  SPATTEN_CHECK(ids.size() < kNone);
  const auto n = static_cast<std::uint32_t>(ids.size());
  symbols_.resize(n);
  queue_.clear();
  for (std::uint32_t i = 0; i < n; ++i) symbols_[i] = {ids[i], i == 0 ? kNone : i - 1, i + 1 == n ? kNone : i + 1, kNone};
  for (std::uint32_t i = 0; i + 1 < n; ++i) push_pair(i);

  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
    const std::uint64_t top = queue_.back();
    queue_.pop_back();
    const auto at = static_cast<std::uint32_t>(top);
    Symbol& left = symbols_[at];
    // A pair that changed since it was queued has another rank: a rank names one pair.
    if (left.id < 0 || left.rank != static_cast<std::uint32_t>(top >> 32)) continue;
    Symbol& right = symbols_[left.after];
    left.id = rules_->find(left.id, right.id)->merged;
    left.after = right.after;
    right.id = -1;
    if (left.after != kNone) symbols_[left.after].before = at;
    push_pair(at);
    if (left.before != kNone) push_pair(left.before);
  }
  ids.clear();
  for (std::uint32_t i = 0; i != kNone; i = symbols_[i].after) ids.push_back(symbols_[i].id);
}

}  // namespace spatten

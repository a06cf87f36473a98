// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/merges.h"

#include <algorithm>
#include <functional>

#include "spatten/base/error.h"

namespace spatten {

/// Where the pair is, or the free slot where it would be.
std::size_t Merges::slot_of(std::int32_t left, std::int32_t right) const {
  std::uint64_t hash =
      static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
  hash *= 0x9E3779B97F4A7C15u;  // Fibonacci hashing; the high bits are the good ones
  std::size_t slot = (hash >> 32) & (slots_.size() - 1);
  while (slots_[slot] != kNone && (rules_[slots_[slot]].left != left || rules_[slots_[slot]].right != right)) {
    slot = (slot + 1) & (slots_.size() - 1);
  }
  return slot;
}

std::uint32_t Merges::rank(std::int32_t left, std::int32_t right) const { return slots_[slot_of(left, right)]; }

void Merges::grow() {
  slots_.assign(slots_.size() * 2, kNone);
  for (std::uint32_t i = 0; i < rules_.size(); ++i) slots_[slot_of(rules_[i].left, rules_[i].right)] = i;
}

std::optional<std::string> Merges::add(std::string_view left, std::string_view right, const Vocabulary& tokens) {
  std::array<std::int32_t, 3> ids{};
  const std::array<std::string, 3> texts{std::string(left), std::string(right), std::string(left).append(right)};
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto id = tokens.find(texts[i]);
    if (!id) return fmt::format("expected tokens of the vocabulary, found {}", printable(texts[i]));
    ids[i] = *id;
  }
  if (rank(ids[0], ids[1]) != kNone) {
    return fmt::format("expected each merge once, found {} twice", printable(texts[0] + " " + texts[1]));
  }
  slots_[slot_of(ids[0], ids[1])] = static_cast<std::uint32_t>(rules_.size());
  rules_.push_back({ids[0], ids[1], ids[2]});
  if (rules_.size() * 2 > slots_.size()) grow();
  return std::nullopt;
}

/// Sets the rank of the pair that starts at `at`; whether a rule applies.
bool Merger::rank_pair(std::uint32_t at) {
  Symbol& s = symbols_[at];
  s.rank = s.after == kNone ? kNone : rules_->rank(s.id, symbols_[s.after].id);
  return s.rank != kNone;
}

void Merger::queue_pair(std::uint32_t at) {
  if (rank_pair(at)) queue_.push_back(static_cast<std::uint64_t>(symbols_[at].rank) << 32 | at);
}

void Merger::merge_pair(std::uint32_t at) {
  Symbol& left = symbols_[at];
  Symbol& right = symbols_[left.after];
  left.id = rules_->rules()[left.rank].merged;
  left.after = right.after;
  right.id = -1;
  if (left.after != kNone) symbols_[left.after].before = at;
  for (const std::uint32_t changed : {at, left.before}) {
    const std::size_t before = queue_.size();
    if (changed != kNone) queue_pair(changed);
    if (queue_.size() > before) std::push_heap(queue_.begin(), queue_.end(), std::greater<>());
  }
}

void Merger::merge(std::vector<std::int32_t>& ids) {
  if (ids.size() < 2) return;
  SPATTEN_CHECK(ids.size() < kNone);
  const auto n = static_cast<std::uint32_t>(ids.size());
  symbols_.resize(n);
  queue_.clear();
  for (std::uint32_t i = 0; i < n; ++i) {
    symbols_[i] = {ids[i], i == 0 ? kNone : i - 1, i + 1 == n ? kNone : i + 1, kNone};
  }
  for (std::uint32_t i = 0; i < n; ++i) queue_pair(i);
  std::make_heap(queue_.begin(), queue_.end(), std::greater<>());

  while (!queue_.empty()) {
    std::pop_heap(queue_.begin(), queue_.end(), std::greater<>());
    const std::uint64_t top = queue_.back();
    queue_.pop_back();
    const auto at = static_cast<std::uint32_t>(top);
    // A pair that changed since it was queued has another rank: a rank names one pair.
    const bool current = symbols_[at].id >= 0 && symbols_[at].rank == static_cast<std::uint32_t>(top >> 32);
    if (current) merge_pair(at);
  }
  ids.clear();
  for (std::uint32_t i = 0; i != kNone; i = symbols_[i].after) ids.push_back(symbols_[i].id);
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/cascade.h"

#include <algorithm>
#include <numeric>

#include "spatten/algo/head_pruning.h"
#include "spatten/algo/token_pruning.h"
#include "spatten/algo/value_pruning.h"
#include "spatten/base/error.h"

namespace spatten::algo {
namespace {

std::vector<std::uint32_t> gather(const std::vector<std::uint32_t>& from, const std::vector<std::uint32_t>& positions) {
  std::vector<std::uint32_t> out;
  out.reserve(positions.size());
  for (const std::uint32_t position : positions) out.push_back(from[position]);
  return out;
}

std::vector<std::uint32_t> first_numbers(std::size_t count) {
  std::vector<std::uint32_t> out(count);
  std::iota(out.begin(), out.end(), 0u);
  return out;
}

}  // namespace

CascadeState::CascadeState(const Policy& policy, const ModelShape& shape, std::span<const std::uint8_t> flags,
                           std::uint64_t seed)
    : policy_(policy),
      shape_(shape),
      importance_(make_importance(policy.token.importance, seed)),
      head_importance_(shape.heads) {
  SPATTEN_CHECK(shape.causal || !flags.empty());
  add_tokens(flags);
  start_pass(shape.causal ? Pass::kPrompt : Pass::kEncoder);
}

CascadeState::~CascadeState() = default;
CascadeState::CascadeState(CascadeState&&) noexcept = default;
CascadeState& CascadeState::operator=(CascadeState&&) noexcept = default;

ObservationNeeds CascadeState::needs() const {
  const bool ranks = policy_.token_pruning() && (!shape_.causal || policy_.token.prompt || policy_.token.generation);
  ObservationNeeds needs = ranks ? importance_->needs() : ObservationNeeds{};
  needs.out_magnitude = policy_.head_pruning();
  return needs;
}

std::size_t CascadeState::probe_row(std::size_t rows) const {
  SPATTEN_CHECK(rows > 0);
  if (shape_.causal) return rows - 1;
  for (std::size_t row = 0; row < rows && row < alive_.size(); ++row) {
    if ((flags_[alive_[row]] & kClsToken) != 0) return row;
  }
  return 0;
}

void CascadeState::observe(const HeadObservation& observation) {
  SPATTEN_CHECK(observation.layer == layer_);
  SPATTEN_CHECK(observation.keys.empty() || observation.keys.back() < length());
  if (policy_.token_pruning()) importance_->observe(observation, shape_.causal);
  head_importance_.observe(observation.head, observation.out_magnitude);
}

LayerDecision CascadeState::end_layer(std::uint32_t layer) {
  SPATTEN_CHECK(layer == layer_ && layer < shape_.layers);
  LayerDecision decision;
  const std::uint32_t next = ++layer_;
  if (next == shape_.layers) {
    decision.kept_positions = first_numbers(alive_.size());
    decision.kept_head_positions = first_numbers(heads_.size());
    decision.kept_heads = heads_;
    return decision;
  }
  // Both rankings use the scores up to this layer; neither sees the other's result.
  decision.kept_positions = choose_tokens(next);
  decision.kept_head_positions = select_heads(head_importance_.scores(), heads_, schedule_.heads[next]);
  decision.tokens_changed = decision.kept_positions.size() < alive_.size();
  decision.heads_changed = decision.kept_head_positions.size() < heads_.size();
  keep_tokens(decision.kept_positions, next);
  heads_ = gather(heads_, decision.kept_head_positions);
  decision.kept_heads = heads_;
  return decision;
}

void CascadeState::append_token(std::uint8_t flags) { add_tokens({&flags, 1}); }

void CascadeState::begin_iteration() {
  SPATTEN_CHECK(shape_.causal && length() > 0);
  if (iterations_ > 0 && policy_.token.rescale < 1) importance_->rescale(policy_.token.rescale);
  ++iterations_;
  start_pass(Pass::kIteration);
}

void CascadeState::begin_prompt(std::span<const std::uint8_t> flags) {
  SPATTEN_CHECK(shape_.causal);
  add_tokens(flags);
  start_pass(Pass::kPrompt);
}

std::uint32_t CascadeState::value_count(std::uint32_t layer, std::size_t visible_keys) const {
  return value_keep_count(policy_.value, value_budgets_.at(layer), visible_keys);
}

std::span<const double> CascadeState::token_scores() const { return importance_->scores(); }

void CascadeState::add_tokens(std::span<const std::uint8_t> flags) {
  for (const std::uint8_t flag : flags) {
    flags_.push_back(flag);
    evicted_from_.push_back(shape_.layers);
    importance_->append();
  }
}

void CascadeState::start_pass(Pass pass) {
  pass_ = pass;
  layer_ = 0;
  importance_->begin_pass();
  const ActiveCascades active = active_cascades();
  schedule_ = resolve(policy_, shape_, length(), active);
  value_budgets_ = value_token_budgets(policy_, shape_, length(), policy_.token_pruning() && active.tokens);
  if (policy_.head.reset_scores) head_importance_.reset();
  heads_ = gather(first_numbers(shape_.heads),
                  select_heads(head_importance_.scores(), first_numbers(shape_.heads), schedule_.heads[0]));
  alive_ = first_numbers(length());
  keep_tokens(choose_tokens(0), 0);
}

ActiveCascades CascadeState::active_cascades() const {
  switch (pass_) {
    case Pass::kEncoder:
      return {true, true, false};
    case Pass::kPrompt:
      return {policy_.token.prompt, policy_.head.prompt, false};
    case Pass::kIteration:
      return {policy_.token.generation && iterations_ > policy_.token.first_iteration, true, true};
  }
  SPATTEN_CHECK(false);
  return {};
}

/// How many of the newest tokens stay. In a decoder at least one: it is the query, and attends to itself.
std::size_t CascadeState::protected_newest(std::uint32_t budget) const {
  const Protection& protect = policy_.token.protect;
  const auto share = static_cast<std::uint32_t>(protect.recent * budget);
  return std::max({protect.last, share, shape_.causal ? 1u : 0u});
}

bool CascadeState::is_protected(std::uint32_t token, std::size_t newest) const {
  const Protection& protect = policy_.token.protect;
  if (token < protect.first || length() - token <= newest) return true;
  const std::uint8_t flags = flags_[token];
  return (protect.cls && (flags & kClsToken) != 0) || (protect.sep && (flags & kSepToken) != 0) ||
         (protect.special && (flags & kSpecialToken) != 0);
}

/// What a decoder prunes in a prompt pass is never projected for later layers, whatever the policy says.
bool CascadeState::pruned_for_good() const {
  return pass_ != Pass::kIteration || policy_.token.eviction == Eviction::kPermanent;
}

/// Positions in alive_ that enter `layer`: those whose K and V exist there, then the best of them up to the budget.
std::vector<std::uint32_t> CascadeState::choose_tokens(std::uint32_t layer) const {
  std::vector<std::uint32_t> present;
  for (std::uint32_t position = 0; position < alive_.size(); ++position) {
    if (evicted_from_[alive_[position]] > layer) present.push_back(position);
  }
  if (present.size() <= schedule_.tokens[layer]) return present;
  const std::size_t newest = protected_newest(schedule_.tokens[layer]);
  std::vector<double> scores;
  std::vector<bool> is_kept;
  for (const std::uint32_t position : present) {
    scores.push_back(importance_->scores()[alive_[position]]);
    is_kept.push_back(is_protected(alive_[position], newest));
  }
  return gather(present, select_tokens(scores, is_kept, schedule_.tokens[layer]));
}

void CascadeState::keep_tokens(const std::vector<std::uint32_t>& positions, std::uint32_t layer) {
  if (positions.size() == alive_.size()) return;
  const std::vector<std::uint32_t> kept = gather(alive_, positions);
  if (pruned_for_good()) {
    std::vector<bool> stays(length(), false);
    for (const std::uint32_t token : kept) stays[token] = true;
    for (const std::uint32_t token : alive_) {
      if (!stays[token]) evicted_from_[token] = std::min(evicted_from_[token], layer);
    }
  }
  alive_ = kept;
}

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/schedule.h"

#include <algorithm>
#include <cmath>

#include "spatten/algo/value_pruning.h"

namespace spatten::algo {
namespace {

// Ratios are decimal in the policy and binary in memory; products this close to an integer mean the integer.
constexpr double kRounding = 1e-9;

/// HPCA'21 V-A: the front layers keep all, then the kept ratio falls linearly from start to end, start + end = 2 keep.
std::vector<double> ramp(double keep, std::optional<double> start, std::optional<double> end, double protected_share,
                         std::uint32_t layers) {
  std::vector<double> ratios(layers, 1.0);
  const std::uint32_t first = protected_layer_count(protected_share, layers);
  if (first >= layers) return ratios;
  // Ends half the average away from it, unless told otherwise; the start cannot exceed 1.
  const double from = start ? *start : end ? 2 * keep - *end : std::min(1.0, 1.5 * keep);
  const double to = end ? *end : 2 * keep - from;
  const std::uint32_t prunable = layers - first;
  for (std::uint32_t i = 0; i < prunable; ++i) {
    ratios[first + i] = prunable == 1 ? keep : from + (to - from) * i / (prunable - 1);
  }
  return ratios;
}

/// A step after layer l holds from layer l + 1 on; both are moved when the steps were written for another depth.
std::vector<double> step_ratios(const std::vector<Step>& steps, std::uint32_t reference_layers, std::uint32_t layers) {
  std::vector<double> ratios(layers, 1.0);
  for (const Step& step : steps) {
    std::uint64_t first = static_cast<std::uint64_t>(step.after_layer + std::int64_t{1});
    if (reference_layers > 0) first = (first * layers + reference_layers - 1) / reference_layers;
    for (std::uint64_t layer = first; layer < layers; ++layer) ratios[layer] = std::min(ratios[layer], step.keep);
  }
  return ratios;
}

template <class T>
void check_one_per_layer(const char* key, const std::vector<T>& list, std::uint32_t layers) {
  if (!list.empty() && list.size() != layers) {
    throw Error("policy", key,
                fmt::format("expected {} entries, one per layer of the model, found {}", layers, list.size()));
  }
}

double average_keep(const TokenPolicy& policy, std::size_t length) {
  double keep = policy.keep;
  for (const LengthRule& rule : policy.length_rule) {
    if (length >= rule.min_length) keep = rule.keep;
  }
  return keep;
}

/// Kept ratio per layer; all ones for counts, which go their own way.
std::vector<double> token_ratios(const TokenPolicy& policy, std::uint32_t layers, std::size_t length) {
  if (!policy.ratios.empty()) return policy.ratios;
  if (!policy.steps.empty()) return step_ratios(policy.steps, policy.reference_layers, layers);
  return ramp(average_keep(policy, length), policy.start, policy.end, policy.protected_layers, layers);
}

std::vector<double> head_ratios(const HeadPolicy& policy, std::uint32_t layers) {
  if (!policy.ratios.empty()) return policy.ratios;
  if (!policy.steps.empty()) return step_ratios(policy.steps, policy.reference_layers, layers);
  return ramp(policy.keep, policy.start, policy.end, policy.protected_layers, layers);
}

/// Caps by what is there and by the layer before.
std::vector<std::uint32_t> cascade(const std::vector<std::uint32_t>& wanted, std::uint32_t available) {
  std::vector<std::uint32_t> kept(wanted.size());
  for (std::size_t layer = 0; layer < wanted.size(); ++layer) {
    available = std::min(available, wanted[layer]);
    kept[layer] = available;
  }
  return kept;
}

/// Tokens that each layer may have, at the reference length, whether or not the sequence has as many.
std::vector<std::uint32_t> token_budgets(const TokenPolicy& policy, std::uint32_t layers, std::size_t length,
                                         std::uint64_t reference) {
  if (!policy.counts.empty()) return policy.counts;
  std::vector<std::uint32_t> budgets;
  for (const double ratio : token_ratios(policy, layers, length)) budgets.push_back(kept_count(ratio, reference));
  return budgets;
}

std::vector<std::uint32_t> resolve_tokens(const TokenPolicy& policy, const ModelShape& shape, std::size_t length,
                                          bool ranked) {
  const auto all = static_cast<std::uint32_t>(length);
  std::vector<std::uint32_t> wanted =
      token_budgets(policy, shape.layers, length,
                    policy.reference_length > 0 ? policy.reference_length : std::max<std::size_t>(length, 1));
  // A reference length below the sequence's own would prune layers that keep all (ratio 1).
  if (policy.counts.empty()) {
    const std::vector<double> ratios = token_ratios(policy, shape.layers, length);
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
      if (ratios[layer] >= 1) wanted[layer] = all;
    }
  }
  if (!shape.causal || !ranked) wanted[0] = all;
  return cascade(wanted, all);
}

std::vector<std::uint32_t> resolve_heads(const HeadPolicy& policy, const ModelShape& shape) {
  std::vector<std::uint32_t> wanted = policy.counts;
  if (wanted.empty()) {
    for (const double ratio : head_ratios(policy, shape.layers)) wanted.push_back(kept_count(ratio, shape.heads));
  }
  if (!shape.causal || policy.reset_scores) wanted[0] = shape.heads;
  return cascade(wanted, shape.heads);
}

}  // namespace

std::uint32_t kept_count(double ratio, std::uint64_t reference) {
  const double product = std::floor(ratio * static_cast<double>(reference) + kRounding);
  return static_cast<std::uint32_t>(std::clamp(product, 1.0, static_cast<double>(UINT32_MAX)));
}

std::uint32_t protected_layer_count(double share, std::uint32_t layers) {
  return static_cast<std::uint32_t>(std::ceil(share * layers - kRounding));
}

std::vector<std::uint32_t> value_token_budgets(const Policy& policy, const ModelShape& shape, std::size_t length,
                                               bool tokens_active) {
  std::uint64_t reference = policy.value.reference_length;
  if (reference == 0) reference = std::max<std::size_t>(length, 1);
  if (!tokens_active) return std::vector<std::uint32_t>(shape.layers, kept_count(1.0, reference));
  return token_budgets(policy.token, shape.layers, length, reference);
}

Schedule resolve(const Policy& policy, const ModelShape& shape, std::size_t length, ActiveCascades active) {
  SPATTEN_CHECK(shape.layers > 0 && shape.heads > 0 && length <= UINT32_MAX);
  check_one_per_layer("token.ratios", policy.token.ratios, shape.layers);
  check_one_per_layer("token.counts", policy.token.counts, shape.layers);
  check_one_per_layer("head.ratios", policy.head.ratios, shape.layers);
  check_one_per_layer("head.counts", policy.head.counts, shape.layers);
  if (!policy.head.counts.empty() && policy.head.counts[0] > shape.heads) {
    throw Error(
        "policy", "head.counts",
        fmt::format("expected at most the {} heads of the model, found {}", shape.heads, policy.head.counts[0]));
  }

  const bool prunes_tokens = policy.token_pruning() && active.tokens;
  Schedule out;
  out.tokens = prunes_tokens ? resolve_tokens(policy.token, shape, length, active.ranked)
                             : std::vector<std::uint32_t>(shape.layers, static_cast<std::uint32_t>(length));
  out.heads = policy.head_pruning() && active.heads ? resolve_heads(policy.head, shape)
                                                    : std::vector<std::uint32_t>(shape.layers, shape.heads);
  const std::vector<std::uint32_t> budgets = value_token_budgets(policy, shape, length, prunes_tokens);
  for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
    out.values.push_back(value_keep_count(policy.value, budgets[layer], out.tokens[layer]));
  }
  return out;
}

}  // namespace spatten::algo

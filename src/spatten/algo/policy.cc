// SPDX-License-Identifier: Apache-2.0
// Names of the enums, and the rules between the fields of a policy.
#include "spatten/algo/policy.h"

#include <algorithm>
#include <cmath>

#include "spatten/base/fields.h"

namespace spatten::algo {
namespace {

/// Fails at the key when the object has it, else at the object.
[[noreturn]] void fail_at(const JsonNode& node, const char* key, const std::string& message) {
  if (const auto child = node.find(key)) child->fail(message);
  node.fail(fmt::format("{}: {}", key, message));
}

void check_ratio(const JsonNode& node, const char* key, double value) {
  if (!(value > 0 && value <= 1)) fail_at(node, key, fmt::format("expected a ratio in (0, 1], found {}", value));
}

void check_share(const JsonNode& node, const char* key, double value) {
  if (!(value >= 0 && value <= 1)) fail_at(node, key, fmt::format("expected a number from 0 to 1, found {}", value));
}

/// A pruned token or head does not return, so what is kept may only fall from layer to layer.
template <class T>
void check_falling(const JsonNode& node, const char* key, const std::vector<T>& values) {
  for (std::size_t i = 1; i < values.size(); ++i) {
    if (values[i] > values[i - 1]) {
      fail_at(node, key,
              fmt::format("expected numbers that do not grow from layer to layer, found {} after {}", values[i],
                          values[i - 1]));
    }
  }
}

void check_steps(const JsonNode& node, const std::vector<Step>& steps) {
  for (std::size_t i = 1; i < steps.size(); ++i) {
    if (steps[i].after_layer <= steps[i - 1].after_layer) {
      fail_at(node, "steps",
              fmt::format("expected ascending after_layer, found {} after {}", steps[i].after_layer,
                          steps[i - 1].after_layer));
    }
    if (steps[i].keep > steps[i - 1].keep) {
      fail_at(node, "steps",
              fmt::format("expected ratios that do not grow, found {} after {}", steps[i].keep, steps[i - 1].keep));
    }
  }
}

/// start + end = 2 keep, both in (0, 1], start >= end.
void check_ramp(const JsonNode& node, double keep, std::optional<double> start, std::optional<double> end) {
  if (start) check_ratio(node, "start", *start);
  if (end) check_ratio(node, "end", *end);
  if (start && end && std::abs(*start + *end - 2 * keep) > 1e-6) {
    fail_at(node, "keep", fmt::format("expected (start + end) / 2 = {}, found {}", (*start + *end) / 2, keep));
  }
  if (start && !end && !(2 * keep - *start > 0 && *start >= keep)) {
    fail_at(node, "start",
            fmt::format("expected at least keep = {} and less than twice of it, found {}", keep, *start));
  }
  if (end && !start && !(2 * keep - *end <= 1 && *end <= keep)) {
    fail_at(node, "end", fmt::format("expected at most keep = {} and at least 2 keep - 1, found {}", keep, *end));
  }
  if (start && end && *start < *end) {
    fail_at(node, "start", fmt::format("expected at least end = {}, found {}", *end, *start));
  }
}

/// What tokens and heads have in common: one rule says how many stay.
template <class P>
void check_counts(const JsonNode& node, const P& policy, bool has_ramp) {
  check_ratio(node, "keep", policy.keep);
  check_share(node, "protected_layers", policy.protected_layers);
  for (const double ratio : policy.ratios) check_ratio(node, "ratios", ratio);
  check_falling(node, "ratios", policy.ratios);
  if (std::find(policy.counts.begin(), policy.counts.end(), 0u) != policy.counts.end()) {
    fail_at(node, "counts", "expected at least 1 per layer, found 0");
  }
  check_falling(node, "counts", policy.counts);
  check_steps(node, policy.steps);

  const char* first = has_ramp ? "keep" : nullptr;
  const std::pair<const char*, bool> lists[] = {
      {"ratios", !policy.ratios.empty()}, {"counts", !policy.counts.empty()}, {"steps", !policy.steps.empty()}};
  for (const auto& [key, present] : lists) {
    if (!present) continue;
    if (first != nullptr) {
      fail_at(node, key, fmt::format("expected one rule for how many stay, found \"{}\" beside \"{}\"", key, first));
    }
    first = key;
  }
  if (first == nullptr || std::string_view(first) == "keep") check_ramp(node, policy.keep, policy.start, policy.end);
  if (policy.steps.empty() && policy.reference_layers > 0) {
    fail_at(node, "reference_layers", "expected 0 without steps, to which alone it applies");
  }
}

void check_bits(const JsonNode& node, const char* key, std::uint32_t bits) {
  if (bits != 0 && (bits < 4 || bits > 12)) {
    fail_at(node, key, fmt::format("expected 0 or 4 to 12 bits, found {}", bits));
  }
}

template <class P>
bool keeps_less(const P& policy) {
  const auto below_one = [](const auto& rule) { return rule.keep < 1; };
  return policy.keep < 1 || !policy.counts.empty() ||
         std::any_of(policy.steps.begin(), policy.steps.end(), below_one) ||
         std::any_of(policy.ratios.begin(), policy.ratios.end(), [](double ratio) { return ratio < 1; });
}

}  // namespace

std::vector<std::pair<Importance, std::string>> enum_names(Importance) {
  return {{Importance::kAccumulatedAttention, "accumulated_attention"},
          {Importance::kNormalised, "normalised"},
          {Importance::kLastLayer, "last_layer"},
          {Importance::kProbe, "probe"},
          {Importance::kValueWeighted, "value_weighted"},
          {Importance::kRandom, "random"},
          {Importance::kRecent, "recent"}};
}

std::vector<std::pair<Eviction, std::string>> enum_names(Eviction) {
  return {{Eviction::kReopen, "reopen"}, {Eviction::kPermanent, "permanent"}};
}

std::vector<std::pair<PrunePoint, std::string>> enum_names(PrunePoint) {
  return {{PrunePoint::kAfterLayer, "after_layer"}, {PrunePoint::kAfterAttention, "after_attention"}};
}

std::vector<std::pair<Granularity, std::string>> enum_names(Granularity) {
  return {{Granularity::kRow, "row"}, {Granularity::kTensor, "tensor"}};
}

void Step::validate(const JsonNode& node) const {
  check_ratio(node, "keep", keep);
  if (after_layer < -1) fail_at(node, "after_layer", fmt::format("expected -1 or a layer, found {}", after_layer));
}

void LengthRule::validate(const JsonNode& node) const { check_ratio(node, "keep", keep); }

void Protection::validate(const JsonNode& node) const { check_share(node, "recent", recent); }

void TokenPolicy::validate(const JsonNode& node) const {
  check_counts(node, *this, keep < 1 || start || end || !length_rule.empty());
  check_ratio(node, "rescale", rescale);
  if (!length_rule.empty() && (start || end)) {
    fail_at(node, "length_rule", "expected no start and end beside it: each length derives its own");
  }
  for (std::size_t i = 1; i < length_rule.size(); ++i) {
    if (length_rule[i].min_length <= length_rule[i - 1].min_length) {
      fail_at(node, "length_rule", "expected ascending min_length");
    }
  }
  if (!counts.empty() && reference_length > 0) {
    fail_at(node, "reference_length", "expected 0 beside counts, which are absolute");
  }
}

bool TokenPolicy::enabled() const {
  return keeps_less(*this) ||
         std::any_of(length_rule.begin(), length_rule.end(), [](const LengthRule& rule) { return rule.keep < 1; });
}

void HeadPolicy::validate(const JsonNode& node) const { check_counts(node, *this, keep < 1 || start || end); }

bool HeadPolicy::enabled() const { return keeps_less(*this); }

void ValuePolicy::validate(const JsonNode& node) const { check_ratio(node, "keep", keep); }

void QuantizationPolicy::validate(const JsonNode& node) const {
  check_bits(node, "query_bits", query_bits);
  check_bits(node, "key_bits", key_bits);
  check_bits(node, "value_bits", value_bits);
  check_bits(node, "msb_bits", msb_bits);
  check_share(node, "threshold", threshold);
  if (lsb_bits != 0 && lsb_bits != 4)
    fail_at(node, "lsb_bits", fmt::format("expected 0 or 4 bits, found {}", lsb_bits));
  if (progressive() && msb_bits % 2 != 0) {
    fail_at(node, "msb_bits", fmt::format("expected 4, 6, 8, 10 or 12 bits beside lsb_bits, found {}", msb_bits));
  }
  if (msb_bits > 0 && key_bits > 0 && key_bits != stored_key_bits()) {
    fail_at(node, "key_bits",
            fmt::format("expected 0 or msb_bits + lsb_bits = {}, found {}", stored_key_bits(), key_bits));
  }
}

Policy read_policy(const JsonNode& node) {
  Policy policy;
  read_fields(node, policy);
  return policy;
}

Json resolved(const Policy& policy) { return write_field(policy); }

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
#include "spatten/trace/rules.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <tuple>

#include "spatten/base/error.h"

namespace spatten::trace {
namespace {

std::optional<Problem> in_range(const char* field, std::uint64_t value, std::uint64_t low, std::uint64_t high) {
  if (value >= low && value <= high) return std::nullopt;
  return Problem{field, fmt::format("expected {} to {}, found {}", low, high, value)};
}

std::optional<Problem> ascending_ids(const Record& r) {
  for (std::size_t i = 0; i < r.key_ids.size(); ++i) {
    if (r.key_ids[i] >= r.context || (i > 0 && r.key_ids[i] <= r.key_ids[i - 1])) {
      return Problem{"key_ids", fmt::format("expected ascending positions below {}, found {}", r.context, r.key_ids[i])};
    }
  }
  return std::nullopt;
}

std::optional<Problem> mask_agrees(const Record& r) {
  if (r.lsb_mask.empty()) return std::nullopt;
  if (r.lsb_mask.size() != (std::size_t{r.rows} + 7) / 8) {
    return Problem{"lsb_mask", fmt::format("expected one bit for each of {} rows, found {} bytes", r.rows, r.lsb_mask.size())};
  }
  std::uint64_t set = 0;
  for (const std::uint8_t byte : r.lsb_mask) set += static_cast<std::uint64_t>(std::popcount(byte));
  const bool spare_bit_set = r.rows % 8 != 0 && r.lsb_mask.back() >> (r.rows % 8) != 0;
  if (set == r.lsb_rows && !spare_bit_set) return std::nullopt;
  return Problem{"lsb_mask", fmt::format("expected {} of {} rows marked, found {} bits set", r.lsb_rows, r.rows, set)};
}

}  // namespace

Rules::Rules(const Header& header) : layers_(header.layers), heads_(header.heads), head_dim_(header.head_dim) {}

std::optional<Problem> Rules::check(const Record& record) {
  for (const auto rule : {&Rules::ranges, &Rules::quantization, &Rules::details, &Rules::order}) {
    if (auto problem = (this->*rule)(record)) return problem;
  }
  first_ = false;
  head_dim_ = record.head_dim;
  std::tie(step_, layer_, head_) = std::tie(record.step, record.layer, record.head);
  context_ = record.context;
  stage_ = record.stage;
  return std::nullopt;
}

void Rules::require(const Record& record, const std::string& sink, std::uint64_t number) {
  if (const auto problem = check(record)) {
    throw Bug(fmt::format("{}:record {}: {}: {}", sink, number, problem->field, problem->message));
  }
}

std::optional<Problem> Rules::ranges(const Record& r) const {
  if (auto p = in_range("layer", r.layer, 0, (layers_ != 0 ? layers_ : kMaxLayers) - 1)) return p;
  if (auto p = in_range("head", r.head, 0, (heads_ != 0 ? heads_ : kMaxHeads) - 1)) return p;
  if (auto p = in_range("head_dim", r.head_dim, 1, kMaxHeadDim)) return p;
  if (head_dim_ != 0 && r.head_dim != head_dim_) {
    return Problem{"head_dim", fmt::format("expected {} as in the rest of the trace, found {}", head_dim_, r.head_dim)};
  }
  if (r.stage != Stage::kSummarization && r.stage != Stage::kGeneration) return Problem{"stage", "expected 0 or 1"};
  if (auto p = in_range("context", r.context, 1, kMaxContext)) return p;
  if (auto p = in_range("keys", r.keys, 1, r.context)) return p;
  if (auto p = in_range("values", r.values, 0, r.keys)) return p;
  const bool one_row = r.stage == Stage::kGeneration;
  if (auto p = in_range("rows", r.rows, 1, one_row ? 1 : r.causal ? r.keys : r.context)) return p;
  if (auto p = in_range("values_total", r.values_total, 0, most_value_pairs(r))) return p;
  if (auto p = in_range("top_k_tokens", r.top_k_tokens, 0, r.context)) return p;
  return in_range("top_k_heads", r.top_k_heads, 0, heads_ != 0 ? heads_ : kMaxHeads);
}

std::optional<Problem> Rules::quantization(const Record& r) const {
  if (auto p = in_range("key_msb_bits", r.key_msb_bits, 0, kMaxBits)) return p;
  if (auto p = in_range("key_lsb_bits", r.key_lsb_bits, 0, r.key_msb_bits == 0 ? 0 : kMaxBits - r.key_msb_bits)) return p;
  if (auto p = in_range("query_bits", r.query_bits, 0, kMaxBits)) return p;
  if (auto p = in_range("value_bits", r.value_bits, 0, kMaxBits)) return p;
  if (!(r.threshold >= 0.0 && r.threshold <= 1.0)) {
    return Problem{"threshold", fmt::format("expected 0 to 1, found {}", r.threshold)};
  }
  return in_range("lsb_rows", r.lsb_rows, 0, r.key_lsb_bits == 0 ? 0 : r.rows);
}

std::optional<Problem> Rules::details(const Record& r) const {
  if (!r.key_ids.empty() && r.key_ids.size() != r.keys) {
    return Problem{"key_ids", fmt::format("expected none or {}, found {}", r.keys, r.key_ids.size())};
  }
  if (!r.scores.empty() && r.scores.size() != r.keys) {
    return Problem{"scores", fmt::format("expected none or {}, found {}", r.keys, r.scores.size())};
  }
  for (const float score : r.scores) {
    if (!std::isfinite(score)) return Problem{"scores", fmt::format("expected finite numbers, found {}", score)};
  }
  if (auto p = ascending_ids(r)) return p;
  return mask_agrees(r);
}

std::optional<Problem> Rules::order(const Record& r) const {
  if (first_) return std::nullopt;
  if (std::tie(r.step, r.layer, r.head) <= std::tie(step_, layer_, head_)) {
    const char* field = r.step != step_ ? "step" : r.layer != layer_ ? "layer" : "head";
    return Problem{field, fmt::format("expected more than step {}, layer {}, head {}, found step {}, layer {}, head {}",
                                      step_, layer_, head_, r.step, r.layer, r.head)};
  }
  if (r.step != step_) return std::nullopt;
  if (r.context != context_) {
    return Problem{"context", fmt::format("expected {} as in the rest of step {}, found {}", context_, step_, r.context)};
  }
  if (r.stage != stage_) return Problem{"stage", fmt::format("expected one stage in step {}, found two", step_)};
  return std::nullopt;
}

}  // namespace spatten::trace

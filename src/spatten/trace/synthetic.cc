// SPDX-License-Identifier: Apache-2.0
#include "spatten/trace/synthetic.h"

#include <algorithm>

#include "spatten/algo/value_pruning.h"
#include "spatten/base/fields.h"
#include "spatten/trace/rules.h"

namespace spatten::trace {
namespace {

void expect(bool holds, const char* name, const std::string& wanted, double found) {
  if (!holds) throw Error("workload", name, fmt::format("expected {}, found {}", wanted, found));
}

/// V rows that all rows of a causal pass keep: row r sees r + 1 keys.
std::uint64_t causal_values(const algo::ValuePolicy& policy, std::uint64_t budget, std::uint32_t rows) {
  std::uint64_t total = 0;
  for (std::uint32_t visible = 1; visible <= rows; ++visible) total += algo::value_keep_count(policy, budget, visible);
  return total;
}

}  // namespace

SyntheticSource::SyntheticSource(const Workload& workload)
    : work_(workload), has_prompt_(!workload.shape.causal || (workload.prompt_pass && workload.prompt_length > 0)) {
  validate();
  passes_ = work_.generated_tokens + (has_prompt_ ? 1 : 0);
  header_.model = work_.model;
  header_.policy = dump_json(algo::resolved(work_.policy));
  header_.source = "synthetic";
  header_.layers = work_.shape.layers;
  header_.heads = work_.shape.heads;
  header_.head_dim = work_.shape.head_dim;
  header_.hidden = work_.shape.heads * work_.shape.head_dim;
  header_.prompt_length = work_.prompt_length;
  header_.generated_tokens = work_.generated_tokens;
  available_.assign(work_.shape.layers, work_.prompt_length);
  pass_ = plan(0);
  finish_pass();
}

void SyntheticSource::validate() const {
  const auto& s = work_.shape;
  expect(s.layers >= 1 && s.layers <= kMaxLayers, "layers", fmt::format("1 to {}", kMaxLayers), s.layers);
  expect(s.heads >= 1 && s.heads <= kMaxHeads, "heads", fmt::format("1 to {}", kMaxHeads), s.heads);
  expect(s.head_dim >= 1 && s.head_dim <= kMaxHeadDim, "head_dim", fmt::format("1 to {}", kMaxHeadDim), s.head_dim);
  expect(s.causal || work_.generated_tokens == 0, "generated_tokens", "0 for an encoder", work_.generated_tokens);
  expect(s.causal || work_.prompt_length > 0, "prompt_length", "at least 1", work_.prompt_length);
  expect(has_prompt_ || work_.generated_tokens > 0, "generated_tokens", "at least 1 pass in all", work_.generated_tokens);
  const std::uint64_t context = std::uint64_t{work_.prompt_length} + work_.generated_tokens;
  expect(context <= kMaxContext, "prompt_length", fmt::format("at most {} tokens in all", kMaxContext), static_cast<double>(context));
  expect(work_.lsb_row_ratio >= 0.0 && work_.lsb_row_ratio <= 1.0, "lsb_row_ratio", "0 to 1", work_.lsb_row_ratio);
}

/// Keep counts of a pass: the schedule, within what exists in each layer.
SyntheticSource::Pass SyntheticSource::plan(std::uint32_t index) const {
  const bool prompt = is_prompt(index), causal = work_.shape.causal;
  const std::uint32_t iteration = prompt ? 0 : index - (has_prompt_ ? 1 : 0);
  const algo::TokenPolicy& tokens = work_.policy.token;
  algo::ActiveCascades active;
  if (causal) {
    active.tokens = prompt ? tokens.prompt : tokens.generation && iteration >= tokens.first_iteration;
    active.heads = !prompt || work_.policy.head.prompt;
    active.ranked = !prompt;
  }
  Pass pass;
  pass.stage = prompt ? Stage::kSummarization : Stage::kGeneration;
  pass.context = prompt ? work_.prompt_length : work_.prompt_length + iteration + 1;
  algo::Schedule schedule = algo::resolve(work_.policy, work_.shape, pass.context, active);
  pass.heads = std::move(schedule.heads);
  pass.keys = std::move(schedule.tokens);
  for (std::size_t layer = 0; layer < pass.keys.size(); ++layer) {
    pass.keys[layer] = std::min(pass.keys[layer], available_[layer] + (prompt ? 0 : 1));
    if (layer > 0) pass.keys[layer] = std::min(pass.keys[layer], pass.keys[layer - 1]);
  }
  fill_values(pass, active.tokens && work_.policy.token_pruning());
  return pass;
}

void SyntheticSource::fill_values(Pass& pass, bool tokens_active) const {
  const auto budgets = algo::value_token_budgets(work_.policy, work_.shape, pass.context, tokens_active);
  const bool triangle = work_.shape.causal && pass.stage == Stage::kSummarization;
  for (std::size_t layer = 0; layer < pass.keys.size(); ++layer) {
    pass.values.push_back(algo::value_keep_count(work_.policy.value, budgets[layer], pass.keys[layer]));
    pass.values_total.push_back(triangle ? causal_values(work_.policy.value, budgets[layer], pass.keys[layer]) : 0);
  }
}

/// Moves on to what pass_ leaves for its successor: a token pruned in a prompt has no K and V in the layers after; one
/// pruned in an iteration comes back in the next unless eviction is permanent.
void SyntheticSource::finish_pass() {
  following_ = Pass();
  if (index_ + 1 >= passes_) return;
  const bool gone = work_.policy.token.eviction == algo::Eviction::kPermanent;
  for (std::size_t layer = 0; layer < available_.size(); ++layer) {
    if (pass_.stage == Stage::kSummarization) {
      available_[layer] = pass_.keys[layer];
    } else {
      available_[layer] = gone ? std::min(available_[layer] + 1, pass_.keys.back()) : available_[layer] + 1;
    }
  }
  following_ = plan(index_ + 1);
}

bool SyntheticSource::next(Record& out) {
  if (index_ == passes_) return false;
  out = record();
  ++records_;
  if (out.key_lsb_bits != 0) {
    lsb_carry_ += work_.lsb_row_ratio * out.rows;
    out.lsb_rows = std::min(out.rows, static_cast<std::uint32_t>(lsb_carry_));
    lsb_carry_ -= out.lsb_rows;
  }
  if (++head_ < pass_.heads[layer_]) return true;
  head_ = 0;
  if (++layer_ < work_.shape.layers) return true;
  layer_ = 0;
  if (++index_ == passes_) return true;
  pass_ = std::move(following_);
  finish_pass();
  return true;
}

std::string SyntheticSource::place() const { return fmt::format("{}:record {}", work_.model, records_); }

std::vector<std::string> SyntheticSource::assumptions() const {
  if (!work_.policy.quantization.progressive()) return {};
  return {fmt::format("No text was run: {:.3g} % of the rows read low bits, an even share{}.", 100 * work_.lsb_row_ratio,
                      work_.lsb_row_ratio == kPaperLsbRowRatio ? " (the paper's average)" : "")};
}

Record SyntheticSource::record() const {
  const algo::QuantizationPolicy& q = work_.policy.quantization;
  Record r;
  r.step = index_;
  r.layer = layer_;
  r.head = head_;
  r.stage = pass_.stage;
  r.context = pass_.context;
  r.keys = pass_.keys[layer_];
  r.values = pass_.values[layer_];
  r.values_total = pass_.values_total[layer_];
  r.causal = work_.shape.causal && pass_.stage == Stage::kSummarization;
  r.rows = pass_.stage == Stage::kSummarization ? r.keys : 1;
  r.head_dim = work_.shape.head_dim;
  r.key_msb_bits = static_cast<std::uint8_t>(q.msb_bits > 0 ? q.msb_bits : q.key_bits);
  r.key_lsb_bits = static_cast<std::uint8_t>(q.progressive() ? q.lsb_bits : 0);
  r.query_bits = static_cast<std::uint8_t>(q.query_bits);
  r.value_bits = static_cast<std::uint8_t>(q.value_bits);
  r.threshold = q.progressive() ? q.threshold : 0.0;
  r.accumulate_importance = work_.policy.token_pruning();
  if (r.head + 1 == pass_.heads[layer_]) set_top_k(r);
  return r;
}

/// The flags of a layer's last head: what is pruned before the next layer, or before the next pass.
void SyntheticSource::set_top_k(Record& r) const {
  if (layer_ + 1 < work_.shape.layers) {
    if (pass_.keys[layer_ + 1] < r.keys) r.top_k_tokens = pass_.keys[layer_ + 1];
    if (pass_.heads[layer_ + 1] < pass_.heads[layer_]) r.top_k_heads = pass_.heads[layer_ + 1];
  } else if (!following_.keys.empty()) {
    r.rescale_importance = pass_.stage == Stage::kGeneration && work_.policy.rescales();
    const bool reopened = following_.keys[0] < available_[0] + 1;
    if (reopened) r.top_k_tokens = following_.keys[0];
  }
}

}  // namespace spatten::trace

// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/fixed_datapath.h"

#include <algorithm>
#include <numeric>

#include "spatten/algo/fixed_softmax.h"
#include "spatten/base/error.h"

namespace spatten::sim {

std::shared_ptr<const HeadOperands> make_operands(const algo::FixedHeadTask& task) {
  auto head = std::make_shared<HeadOperands>();
  head->queries = algo::to_fixed(task.q, task.quantization.query_bits, task.quantization.granularity);
  head->keys = algo::to_fixed_keys(task.k, task.quantization, task.key_rows);
  head->values = algo::to_fixed(task.v, task.quantization.value_bits, algo::Granularity::kTensor, task.key_rows);
  for (std::size_t r = 0; r < head->queries.rows; ++r) {
    algo::FixedRowSetting setting;
    setting.scale = algo::score_scale(head->queries.scale(r), head->keys.full.scale(0), task.inverse_sqrt_dim);
    setting.threshold = algo::probability_threshold(task.quantization.threshold);
    setting.visible = task.causal ? head->keys.full.rows - head->queries.rows + r + 1 : head->keys.full.rows;
    if (!task.value_keeps.empty()) setting.value_keep = task.value_keeps[r];
    head->rows.push_back(setting);
  }
  return head;
}

FixedDatapath::FixedDatapath(const ChipSpec& chip, OperandStore& outputs)
    : outputs_(outputs), cost_{chip.topk.lanes, chip.topk.pass_overhead_cycles}, select_takes_time_(chip.topk.enabled),
      results_per_line_(chip.results_per_line()), seed_(chip.topk.seed) {}

void FixedDatapath::score(const Line& line) {
  Row& row = *line.row;
  if (!row.data) return;
  RowData& d = *row.data;
  if (line.first) d.scores.resize(d.head->rows[d.query_row].visible);
  const std::uint32_t per_line = line_elements(results_per_line_, row.head_dim);
  for (std::uint32_t i = 0; i < line.elements; ++i) {
    const std::size_t key = std::size_t{line.index} * per_line + i;
    const auto k = row.second_pass ? d.head->keys.full.row(key) : d.head->keys.first(key);
    d.scores[key] = algo::dot12(d.head->queries.row(d.query_row), k);
  }
}

void FixedDatapath::normalise(Row& row) {
  if (!row.data) return;
  RowData& d = *row.data;
  d.result.probabilities.resize(d.scores.size());
  algo::softmax12(d.scores, d.head->rows[d.query_row].scale, d.result.probabilities);
  d.result.used_lsb = row.second_pass;
}

bool FixedDatapath::wants_lsb(Row& row) {
  const RowData& d = *row.data;
  return d.head->keys.progressive() && algo::needs_lsb12(d.result.probabilities, d.head->rows[d.query_row].threshold);
}

// What the engine really does with these probabilities: which it keeps, and in how many passes it finds the threshold.
void FixedDatapath::select(Row& row) {
  RowData& d = *row.data;
  d.result.kept_values = algo::select_values12(d.result.probabilities, row.values);
  d.value_ids.clear();
  for (const std::uint32_t key : d.result.kept_values) d.value_ids.push_back(row.key.ids ? row.key.ids[key] : key);
  if (!row.values_with_keys) row.value.ids = d.value_ids.data();
  if (!select_takes_time_) return;
  Random pivots(seed_ * 0x9E3779B97F4A7C15ull + row.id);
  const Selection selection = select_values(d.result.probabilities, row.values, cost_, pivots);
  row.select_cycles = selection.cycles;
  row.select_passes = selection.passes;
  row.select_compares = selection.compares;
  row.select_packed = selection.packed;
}

const std::vector<std::uint32_t>& FixedDatapath::kept(Row& row) const {
  std::vector<std::uint32_t>& kept = row.data->result.kept_values;
  if (kept.empty()) {
    kept.resize(row.values);
    std::iota(kept.begin(), kept.end(), 0u);
  }
  return kept;
}

void FixedDatapath::weigh(const Line& line) {
  Row& row = *line.row;
  RowData& d = *row.data;
  if (line.first) d.sums.assign(d.head->values.cols, 0);
  const std::vector<std::uint32_t>& keys = kept(row);
  const std::uint32_t per_line = line_elements(results_per_line_, row.head_dim);
  for (std::uint32_t i = 0; i < line.elements; ++i) {
    const std::uint32_t key = keys[std::size_t{line.index} * per_line + i];
    const std::int64_t p = d.result.probabilities[key];
    const auto v = d.head->values.row(key);
    for (std::size_t e = 0; e < v.size(); ++e) d.sums[e] += p * v[e];
  }
}

void FixedDatapath::finish(Row& row) {
  RowData& d = *row.data;
  d.result.out.resize(d.sums.size());
  for (std::size_t e = 0; e < d.sums.size(); ++e) {
    d.result.out[e] = algo::saturate12(algo::round_shift(d.sums[e], algo::kChipBits));
  }
  outputs_.output(d.record, d.query_row, d.result);
}

HeadImportance& FixedDatapath::importance_of(const RowData& row) {
  Accumulated& a = accumulated_[{row.record.step, row.record.layer, row.record.head}];
  if (a.importance.tokens.empty()) a = {row.record, {std::vector<std::uint32_t>(row.head->keys.full.rows, 0), 0}};
  return a.importance;
}

void FixedDatapath::add_token_importance(Row& row) {
  algo::accumulate_importance12(row.data->result.probabilities, importance_of(*row.data).tokens);
}

void FixedDatapath::add_head_importance(Row& row) {
  importance_of(*row.data).magnitude += algo::magnitude12(row.data->result.out);
}

void FixedDatapath::hand_out_importance() {
  for (const auto& [key, a] : accumulated_) outputs_.importance(a.record, a.importance);
  accumulated_.clear();
}

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// The door of the attention kernels: checks, memory, the choice of path, and what is counted.
#include "spatten/kernels/attention.h"

#include <utility>

#include "spatten/kernels/attention_plan.h"
#include "spatten/kernels/quantized_attention.h"
#include "spatten/kernels/target.h"

namespace spatten::kernels {

struct AttentionScratch::State {
  Buffer<float> keys, keys_full, values, block, sums, rows;
  Buffer<std::int32_t> order_keys;
  Buffer<std::uint32_t> kept;
  Buffer<std::uint8_t> value_used;

  AttentionBuffers reserve_stream(const AttentionPlan& plan) {
    const std::size_t padded = padded_keys(plan.keys);
    AttentionBuffers b;
    b.block = block.reserve(padded);
    b.rows = rows.reserve(16 * plan.dim);
    if (plan.value_keep > 0 || plan.value_keeps != nullptr) {
      b.order_keys = order_keys.reserve(padded);
      b.kept = kept.reserve(padded + 16);
    }
    return b;
  }

  AttentionBuffers reserve_tiles(const AttentionPlan& plan) {
    AttentionBuffers b = reserve_stream(plan);
    const std::size_t padded = padded_keys(plan.keys), panels = (plan.keys + kKeyPanel - 1) / kKeyPanel;
    b.keys = keys.reserve(panels * kKeyPanel * plan.dim);
    if (plan.threshold > 0) b.keys_full = keys_full.reserve(panels * kKeyPanel * plan.dim);
    if (plan.v.data == nullptr || plan.v.order != nullptr) b.values = values.reserve(plan.keys * plan.dim);
    b.block = block.reserve(block_rows(plan.keys) * padded);
    b.sums = sums.reserve(padded);
    b.value_used = value_used.reserve(plan.keys);
    return b;
  }
};

AttentionScratch::AttentionScratch() : state_(std::make_unique<State>()) {}
AttentionScratch::~AttentionScratch() = default;
AttentionScratch::AttentionScratch(AttentionScratch&&) noexcept = default;
AttentionScratch& AttentionScratch::operator=(AttentionScratch&&) noexcept = default;

namespace {

struct RowBytes {
  std::size_t k = 0, k_lsb = 0, v = 0;
};

RowSource source(ConstMatrix m, std::span<const std::uint32_t> order) {
  RowSource s;
  s.data = m.data;
  s.stride = m.stride;
  s.order = order.empty() ? nullptr : order.data();
  return s;
}

RowSource source(const PackedRows& rows, std::span<const std::uint32_t> order) {
  RowSource s;
  s.planes = rows.planes();
  s.order = order.empty() ? nullptr : order.data();
  return s;
}

/// Rows and columns of the one that is there.
std::pair<std::size_t, std::size_t> shape(const PackedRows* packed, ConstMatrix floats) {
  if (packed != nullptr) return {packed->rows(), packed->cols()};
  return {floats.rows, floats.cols};
}

AttentionPlan plan_of(const AttentionTask& task, std::size_t stored_rows) {
  AttentionPlan plan;
  plan.q = task.q.data;
  plan.q_stride = task.q.stride;
  plan.out = task.out.data;
  plan.out_stride = task.out.stride;
  plan.queries = task.q.rows;
  plan.dim = task.q.cols;
  plan.keys = task.key_rows.empty() ? stored_rows : task.key_rows.size();
  plan.scale = task.scale;
  plan.causal = task.causal;
  plan.causal_offset = task.causal_offset;
  plan.value_keep = task.value_keep;
  plan.value_keeps = task.value_keeps.empty() ? nullptr : task.value_keeps.data();
  plan.probe_row = task.probe_row;
  plan.probe = task.probe_probabilities;
  plan.column_sums = task.column_sums;
  SPATTEN_CHECK(plan.dim > 0 && plan.dim % 16 == 0);
  SPATTEN_CHECK(task.out.rows == plan.queries && task.out.cols == plan.dim);
  SPATTEN_CHECK(task.value_keeps.empty() || task.value_keeps.size() == plan.queries);
  SPATTEN_CHECK(plan.keys > 0 && plan.keys < INT32_MAX);
  for (const std::uint32_t row : task.key_rows) SPATTEN_CHECK(row < stored_rows);
  return plan;
}

void count(const AttentionTask& task, const AttentionOutcome& outcome, const RowBytes& bytes) {
  if (task.magnitude != nullptr) *task.magnitude += static_cast<float>(outcome.magnitude);
  if (task.counters == nullptr) return;
  AttentionCounters& c = *task.counters;
  c.score_multiply_adds += outcome.score_pairs * task.q.cols;
  c.value_multiply_adds += outcome.value_pairs * task.q.cols;
  c.k_bytes += outcome.keys_read * (bytes.k + (outcome.keys_read_lsb ? bytes.k_lsb : 0));
  c.v_bytes += outcome.values_read * bytes.v;
  c.rows += task.q.rows;
  c.lsb_rows += outcome.lsb_rows;
}

void run(const AttentionTask& task, const AttentionPlan& plan, AttentionScratch& scratch, const RowBytes& bytes) {
  const FloatMode mode;
  AttentionScratch::State& state = scratch.state();
  const AttentionOutcome outcome = plan.queries == 1 ? attend_stream(plan, state.reserve_stream(plan))
                                                     : attend_tiles(plan, state.reserve_tiles(plan));
  count(task, outcome, bytes);
}

}  // namespace

void attention_head(const AttentionHead& head, AttentionScratch& scratch) {
  if (head.q.rows == 0) return;
  SPATTEN_CHECK(head.k.cols == head.q.cols && head.v.cols == head.q.cols && head.k.rows == head.v.rows);
  AttentionPlan plan = plan_of(head, head.k.rows);
  plan.k = source(head.k, head.key_rows);
  plan.v = source(head.v, head.key_rows);
  const std::size_t row_bytes = plan.dim * sizeof(float);
  run(head, plan, scratch, {.k = row_bytes, .v = row_bytes});
}

void attention_head(const QuantizedAttentionHead& head, AttentionScratch& scratch) {
  if (head.q.rows == 0) return;
  const auto [k_rows, k_cols] = shape(head.k, head.k_float);
  const auto [v_rows, v_cols] = shape(head.v_packed, head.v);
  SPATTEN_CHECK(k_cols == head.q.cols && v_cols == head.q.cols && k_rows == v_rows);
  AttentionPlan plan = plan_of(head, k_rows);
  plan.lsb_rows = head.lsb_rows;
  if (head.k != nullptr && head.k->has_lsb()) plan.threshold = head.threshold;
  RowBytes bytes;
  bytes.k = plan.dim * sizeof(float);
  bytes.v = bytes.k;
  if (head.k != nullptr) {
    plan.k = source(*head.k, head.key_rows);
    bytes.k = head.k->msb_bytes_per_row();
    bytes.k_lsb = head.k->lsb_bytes_per_row();
  } else {
    plan.k = source(head.k_float, head.key_rows);
  }
  if (head.v_packed != nullptr) {
    plan.v = source(*head.v_packed, head.key_rows);
    bytes.v = head.v_packed->msb_bytes_per_row() + head.v_packed->lsb_bytes_per_row();
  } else {
    plan.v = source(head.v, head.key_rows);
  }
  run(head, plan, scratch, bytes);
}

}  // namespace spatten::kernels

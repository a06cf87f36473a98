// SPDX-License-Identifier: Apache-2.0
// Many queries: K is transposed once into panels of 64 keys (the scale multiplied in), then each block of query rows
// meets all keys: scores by the micro-kernel, softmax row by row, prob x V by the micro-kernel on V as it lies. With
// local value pruning prob x V runs row by row on the kept rows only.
#include "spatten/kernels/attention_plan.h"
#include "spatten/kernels/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "spatten/kernels/attention_tiles.cc"
#include <hwy/foreach_target.h>
// After foreach_target: read once per target.
#include <hwy/highway.h>

#include "spatten/kernels/attention-inl.h"
#include "spatten/kernels/micro_kernel-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {

/// 16 keys from the first-th on become 16 columns of a panel; keys past the end become zeros.
HWY_INLINE void transpose_keys(const AttentionPlan& plan, bool with_lsb, std::size_t first, float* rows, float* columns) {
  const std::size_t count = plan.keys - first < 16 ? plan.keys - first : 16;
  const float* row[16];
  for (std::size_t i = 0; i < count; ++i) row[i] = fetch_row(plan.k, first + i, with_lsb, rows + i * plan.dim);
  for (std::size_t c = 0; c < plan.dim; ++c) {
    float* to = columns + c * kKeyPanel;
    for (std::size_t i = 0; i < count; ++i) to[i] = row[i][c] * plan.scale;
    for (std::size_t i = count; i < 16; ++i) to[i] = 0;
  }
}

HWY_INLINE void pack_keys(const AttentionPlan& plan, bool with_lsb, const AttentionBuffers& buffers, float* panels) {
  for (std::size_t j = 0; j < plan.keys; j += 16) {
    float* panel = panels + j / kKeyPanel * plan.dim * kKeyPanel;
    transpose_keys(plan, with_lsb, j, buffers.rows, panel + j % kKeyPanel);
  }
}

/// Scores of `rows` queries from the first-th on against the keys 0 .. n-1 (and the padding after them).
HWY_INLINE void score_rows(const AttentionPlan& plan, const float* panels, std::size_t first, std::size_t rows,
                           std::size_t n, float* scores) {
  const std::size_t ld = padded_keys(plan.keys), padded = padded_keys(n);
  for (std::size_t j = 0; j < padded; j += kKeyPanel) {
    multiply({.a = plan.q + first * plan.q_stride,
              .lda = plan.q_stride,
              .b = panels + j * plan.dim,
              .ldb = kKeyPanel,
              .c = scores + j,
              .ldc = ld,
              .rows = rows,
              .cols = padded - j < kKeyPanel ? padded - j : kKeyPanel,
              .depth = plan.dim});
  }
}

struct Tiles {
  const AttentionPlan& plan;
  const AttentionBuffers& buffers;
  AttentionOutcome& outcome;
  RowSource values;           // V where the products read it
  bool copy_values = false;   // it has to be copied there first
  bool have_full_keys = false;
};

HWY_INLINE void use_value(Tiles& t, std::size_t j) {
  if (t.buffers.value_used[j] != 0) return;
  t.buffers.value_used[j] = 1;
  ++t.outcome.values_read;
  if (!t.copy_values) return;
  float* to = t.buffers.values + j * t.plan.dim;
  const float* from = fetch_row(t.plan.v, j, true, t.buffers.rows);
  for (std::size_t c = 0; c < t.plan.dim; ++c) to[c] = from[c];
}

/// Scores become probabilities of the keys that this query sees; zeros up to `end`.
HWY_INLINE void finish_row(Tiles& t, std::size_t query, std::size_t end, float* p) {
  const AttentionPlan& plan = t.plan;
  const std::size_t n = visible_keys(plan, query);
  float largest = start_softmax(p, n);
  const bool flat = largest < plan.threshold;
  if (flat) {
    if (!t.have_full_keys) pack_keys(plan, true, t.buffers, t.buffers.keys_full);
    t.have_full_keys = true;
    score_rows(plan, t.buffers.keys_full, query, 1, n, p);
    largest = start_softmax(p, n);
  }
  if (plan.lsb_rows != nullptr) plan.lsb_rows[query] = flat ? 1 : 0;
  scale_row(p, n, largest, plan.column_sums != nullptr ? t.buffers.sums : nullptr);
  for (std::size_t j = n; j < end; ++j) p[j] = 0;
  if (plan.probe != nullptr && plan.probe_row == query) copy_probe(plan, p, n);
  t.outcome.lsb_rows += flat ? 1 : 0;
  t.outcome.score_pairs += n * (flat ? 2 : 1);
}

/// prob x V of the rows first .. first+rows-1 over all keys they see.
HWY_INLINE void multiply_values(Tiles& t, std::size_t first, std::size_t rows) {
  const std::size_t ld = padded_keys(t.plan.keys);
  for (std::size_t r = 0; r < rows; r += kTileRows) {
    const std::size_t count = rows - r < kTileRows ? rows - r : kTileRows;
    const std::size_t depth = visible_keys(t.plan, first + r + count - 1);
    multiply({.a = t.buffers.block + r * ld,
              .lda = ld,
              .b = t.values.data,
              .ldb = t.values.stride,
              .c = t.plan.out + (first + r) * t.plan.out_stride,
              .ldc = t.plan.out_stride,
              .rows = count,
              .cols = t.plan.dim,
              .depth = depth});
    for (std::size_t i = 0; i < count; ++i) t.outcome.value_pairs += visible_keys(t.plan, first + r + i);
  }
}

HWY_INLINE void sum_kept_values(Tiles& t, std::size_t query, const float* p) {
  const std::size_t n = visible_keys(t.plan, query);
  const KeptValues kept = keep_values(t.plan, t.buffers, query, p, n);
  if (t.outcome.values_read < t.plan.keys) {
    for (std::size_t i = 0; i < kept.count; ++i) use_value(t, kept.row(i));
  }
  weighted_sum(t.values, p, kept, t.plan.dim, t.buffers.rows, t.plan.out + query * t.plan.out_stride);
  t.outcome.value_pairs += kept.count;
}

void tiles(const AttentionPlan& plan, const AttentionBuffers& buffers, AttentionOutcome& outcome) {
  Tiles t{plan, buffers, outcome, plan.v};
  t.copy_values = plan.v.data == nullptr || plan.v.order != nullptr;
  if (t.copy_values) {
    t.values = RowSource{};
    t.values.data = buffers.values;
    t.values.stride = plan.dim;
  }
  const std::size_t ld = padded_keys(plan.keys), seen = visible_keys(plan, plan.queries - 1);
  outcome.keys_read = seen;
  for (std::size_t j = 0; j < plan.keys; ++j) buffers.value_used[j] = 0;
  for (std::size_t j = 0; j < ld && plan.column_sums != nullptr; ++j) buffers.sums[j] = 0;
  for (std::size_t j = 0; j < seen && !prunes_values(plan); ++j) use_value(t, j);
  pack_keys(plan, false, buffers, buffers.keys);
  const std::size_t step = block_rows(plan.keys);
  for (std::size_t first = 0; first < plan.queries; first += step) {
    const std::size_t rows = plan.queries - first < step ? plan.queries - first : step;
    const std::size_t end = visible_keys(plan, first + rows - 1);
    score_rows(plan, buffers.keys, first, rows, end, buffers.block);
    for (std::size_t r = 0; r < rows; ++r) finish_row(t, first + r, end, buffers.block + r * ld);
    if (!prunes_values(plan)) multiply_values(t, first, rows);
    for (std::size_t r = 0; r < rows; ++r) {
      if (prunes_values(plan)) sum_kept_values(t, first + r, buffers.block + r * ld);
      outcome.magnitude += static_cast<double>(sum_abs_row(plan.out + (first + r) * plan.out_stride, plan.dim));
    }
  }
  for (std::size_t j = 0; j < plan.keys && plan.column_sums != nullptr; ++j) plan.column_sums[j] += buffers.sums[j];
  outcome.keys_read_lsb = t.have_full_keys;
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spatten::kernels {
namespace {
HWY_EXPORT(tiles);
}  // namespace

AttentionOutcome attend_tiles(const AttentionPlan& plan, const AttentionBuffers& buffers) {
  AttentionOutcome outcome;
  HWY_DYNAMIC_DISPATCH(tiles)(plan, buffers, outcome);
  return outcome;
}

}  // namespace spatten::kernels
#endif  // HWY_ONCE

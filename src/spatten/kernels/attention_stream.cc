// SPDX-License-Identifier: Apache-2.0
// One query (decoding): K and V stream past once, the speed is that of memory.
#include "spatten/kernels/attention_plan.h"
#include "spatten/kernels/simd.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "spatten/kernels/attention_stream.cc"
#include <hwy/foreach_target.h>
// After foreach_target: read once per target.
#include <hwy/highway.h>

#include "spatten/kernels/attention-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {

/// Scores of N keys from the j-th on. N sums at once hide the latency of one.
template <std::size_t N>
HWY_INLINE void score_keys(const AttentionPlan& plan, const AttentionBuffers& buffers, bool with_lsb, std::size_t j,
                           float* scores) {
  const RowTag d;
  const float* row[N];
  RowVec sum[N];
  for (std::size_t i = 0; i < N; ++i) {
    row[i] = fetch_row(plan.k, j + i, with_lsb, buffers.rows + i * plan.dim);
    sum[i] = hn::Zero(d);
  }
  for (std::size_t c = 0; c < plan.dim; c += kRowLanes) {
    const auto q = hn::LoadU(d, plan.q + c);
    for (std::size_t i = 0; i < N; ++i) sum[i] = hn::MulAdd(q, hn::LoadU(d, row[i] + c), sum[i]);
  }
  for (std::size_t i = 0; i < N; ++i) scores[j + i] = first_lane_sum(sum[i]) * plan.scale;
}

HWY_INLINE float probabilities(const AttentionPlan& plan, const AttentionBuffers& buffers, bool with_lsb, std::size_t n) {
  std::size_t j = 0;
  for (; j + 4 <= n; j += 4) score_keys<4>(plan, buffers, with_lsb, j, buffers.block);
  for (; j < n; ++j) score_keys<1>(plan, buffers, with_lsb, j, buffers.block);
  return start_softmax(buffers.block, n);
}

void stream(const AttentionPlan& plan, const AttentionBuffers& buffers, AttentionOutcome& outcome) {
  const std::size_t n = visible_keys(plan, 0);
  float* p = buffers.block;
  float largest = probabilities(plan, buffers, false, n);
  const bool flat = largest < plan.threshold;
  if (flat) largest = probabilities(plan, buffers, true, n);
  if (plan.lsb_rows != nullptr) plan.lsb_rows[0] = flat ? 1 : 0;
  scale_row(p, n, largest, plan.column_sums);
  if (plan.probe != nullptr && plan.probe_row == 0) copy_probe(plan, p, n);
  const KeptValues kept = keep_values(plan, buffers, 0, p, n);
  weighted_sum(plan.v, p, kept, plan.dim, buffers.rows, plan.out);
  outcome.magnitude = static_cast<double>(sum_abs_row(plan.out, plan.dim));
  outcome.lsb_rows = flat ? 1 : 0;
  outcome.keys_read_lsb = flat;
  outcome.score_pairs = n * (flat ? 2 : 1);
  outcome.keys_read = n;
  outcome.value_pairs = outcome.values_read = kept.count;
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spatten::kernels {
namespace {
HWY_EXPORT(stream);
}  // namespace

AttentionOutcome attend_stream(const AttentionPlan& plan, const AttentionBuffers& buffers) {
  AttentionOutcome outcome;
  HWY_DYNAMIC_DISPATCH(stream)(plan, buffers, outcome);
  return outcome;
}

}  // namespace spatten::kernels
#endif  // HWY_ONCE

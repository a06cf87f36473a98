// SPDX-License-Identifier: Apache-2.0
// Steps that both attention paths share. Included once per Highway target.
#if defined(SPATTEN_KERNELS_ATTENTION_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPATTEN_KERNELS_ATTENTION_INL_H_
#undef SPATTEN_KERNELS_ATTENTION_INL_H_
#else
#define SPATTEN_KERNELS_ATTENTION_INL_H_
#endif

#include <hwy/highway.h>

#include "spatten/kernels/decode-inl.h"
#include "spatten/kernels/row-inl.h"
#include "spatten/kernels/select-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kRowBatch = 16;  // rows of K or V in hand at once; AttentionBuffers::rows holds as many

/// Softmax of n scores in place but for the division: returns 1 / sum, which is also the largest probability, because
/// the largest score became e^0.
HWY_INLINE float start_softmax(float* scores, std::size_t n) { return 1.0f / exp_row(scores, n, max_row(scores, n)); }

/// Local value pruning of one row: how many V rows stay, and which (null: the first `count`).
struct KeptValues {
  const std::uint32_t* kept;
  std::size_t count;

  std::size_t row(std::size_t i) const { return kept == nullptr ? i : kept[i]; }
};

/// NV vectors of out from column `col` = sum of p[j] times the row of key j, all floats; add: to what out holds.
template <int NV>
HWY_INLINE void add_rows(const RowSource& values, const float* p, KeptValues kept, std::size_t col, bool add, float* out) {
  const RowTag d;
  RowVec sum[NV];
  for (int v = 0; v < NV; ++v) sum[v] = add ? hn::LoadU(d, out + col + v * kRowLanes) : hn::Zero(d);
  for (std::size_t i = 0; i < kept.count; ++i) {
    const std::size_t j = kept.row(i);
    const float* row = values.data + (values.order == nullptr ? j : values.order[j]) * values.stride + col;
    const auto weight = hn::Set(d, p[j]);
    for (int v = 0; v < NV; ++v) sum[v] = hn::MulAdd(weight, hn::LoadU(d, row + v * kRowLanes), sum[v]);
  }
  for (int v = 0; v < NV; ++v) hn::StoreU(sum[v], d, out + col + v * kRowLanes);
}

HWY_INLINE void add_float_rows(const RowSource& values, const float* p, KeptValues kept, std::size_t dim, bool add, float* out) {
  std::size_t col = 0;
  for (; col + 4 * kRowLanes <= dim; col += 4 * kRowLanes) add_rows<4>(values, p, kept, col, add, out);
  for (; col < dim; col += kRowLanes) add_rows<1>(values, p, kept, col, add, out);
}

/// out[0 .. dim) = sum of p[j] V[j] over the rows that are kept, in that order.
/// Rows in planes are decoded some at a time.
HWY_INLINE void weighted_sum(const RowSource& values, const float* p, KeptValues kept, std::size_t dim, float* rows, float* out) {
  if (values.data != nullptr) return add_float_rows(values, p, kept, dim, false, out);
  RowSource decoded;
  decoded.data = rows;
  decoded.stride = dim;
  for (std::size_t first = 0; first < kept.count; first += kRowBatch) {
    const std::size_t n = kept.count - first < kRowBatch ? kept.count - first : kRowBatch;
    float weights[kRowBatch];
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t j = kept.row(first + i);
      fetch_row(values, j, true, rows + i * dim);
      weights[i] = p[j];
    }
    add_float_rows(decoded, weights, {nullptr, n}, dim, first > 0, out);
  }
}

/// Which V rows of a query stay; their indices lie in buffers.kept.
HWY_INLINE KeptValues keep_values(const AttentionPlan& plan, const AttentionBuffers& buffers, std::size_t query,
                                  const float* p, std::size_t n) {
  const std::size_t keep = plan.value_keeps != nullptr ? plan.value_keeps[query] : plan.value_keep;
  if (keep == 0 || keep >= n) return {nullptr, n};
  select_largest(p, n, keep, buffers.order_keys, buffers.kept);
  return {buffers.kept, keep};
}

HWY_INLINE bool prunes_values(const AttentionPlan& plan) { return plan.value_keep > 0 || plan.value_keeps != nullptr; }

HWY_INLINE void copy_probe(const AttentionPlan& plan, const float* p, std::size_t n) {
  for (std::size_t j = 0; j < plan.keys; ++j) plan.probe[j] = j < n ? p[j] : 0.0f;
}

HWY_INLINE std::size_t visible_keys(const AttentionPlan& plan, std::size_t query) {
  const std::size_t seen = query + plan.causal_offset + 1;
  return plan.causal && seen < plan.keys ? seen : plan.keys;
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard

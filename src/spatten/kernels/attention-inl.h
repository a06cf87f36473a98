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

/// One batch of add_rows: NV vectors of out from column `col`.
template <int NV>
HWY_INLINE void add_batch(const float* const* rows, const float* weights, std::size_t count, std::size_t col, bool first,
                          float* out) {
  const RowTag d;
  RowVec sum[NV];
  for (int v = 0; v < NV; ++v) sum[v] = first ? hn::Zero(d) : hn::LoadU(d, out + col + v * kRowLanes);
  for (std::size_t i = 0; i < count; ++i) {
    const auto weight = hn::Set(d, weights[i]);
    for (int v = 0; v < NV; ++v) sum[v] = hn::MulAdd(weight, hn::LoadU(d, rows[i] + col + v * kRowLanes), sum[v]);
  }
  for (int v = 0; v < NV; ++v) hn::StoreU(sum[v], d, out + col + v * kRowLanes);
}

/// out[0 .. dim) = sum of p[j] V[j] over the `count` rows listed in `kept` (null: 0 .. count-1), in that order.
HWY_INLINE void weighted_sum(const RowSource& values, const float* p, const std::uint32_t* kept, std::size_t count,
                             std::size_t dim, float* rows, float* out) {
  for (std::size_t c = 0; c < dim && count == 0; ++c) out[c] = 0;
  for (std::size_t first = 0; first < count; first += kRowBatch) {
    const std::size_t n = count - first < kRowBatch ? count - first : kRowBatch;
    const float* row[kRowBatch];
    float weight[kRowBatch];
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t j = kept == nullptr ? first + i : kept[first + i];
      row[i] = fetch_row(values, j, true, rows + i * dim);
      weight[i] = p[j];
    }
    std::size_t col = 0;
    for (; col + 4 * kRowLanes <= dim; col += 4 * kRowLanes) add_batch<4>(row, weight, n, col, first == 0, out);
    for (; col < dim; col += kRowLanes) add_batch<1>(row, weight, n, col, first == 0, out);
  }
}

/// Local value pruning of one row: how many V rows stay, their indices in buffers.kept when some fall (else all stay and
/// `kept` is null).
struct KeptValues {
  const std::uint32_t* kept;
  std::size_t count;
};
HWY_INLINE KeptValues keep_values(const AttentionPlan& plan, const AttentionBuffers& buffers, const float* p, std::size_t n) {
  if (plan.value_keep == 0 || plan.value_keep >= n) return {nullptr, n};
  select_largest(p, n, plan.value_keep, buffers.order_keys, buffers.kept);
  return {buffers.kept, plan.value_keep};
}

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

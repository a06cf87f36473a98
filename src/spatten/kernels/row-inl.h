// SPDX-License-Identifier: Apache-2.0
// Rows of any length as whole vectors and one part: loads and stores that stay inside the row, and the sums of softmax.
// Included once per Highway target.
#if defined(SPATTEN_KERNELS_ROW_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPATTEN_KERNELS_ROW_INL_H_
#undef SPATTEN_KERNELS_ROW_INL_H_
#else
#define SPATTEN_KERNELS_ROW_INL_H_
#endif

#include <hwy/highway.h>

#include "spatten/kernels/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using RowTag = hn::ScalableTag<float>;
using RowVec = hn::Vec<RowTag>;
constexpr std::size_t kRowLanes = hn::MaxLanes(RowTag());

/// The `count` < lanes values at p, the other lanes `fill`.
HWY_INLINE RowVec load_part(const float* p, std::size_t count, float fill) {
  alignas(64) float lanes[kRowLanes];
  for (std::size_t i = 0; i < kRowLanes; ++i) lanes[i] = i < count ? p[i] : fill;
  return hn::Load(RowTag(), lanes);
}

HWY_INLINE void store_part(RowVec v, float* p, std::size_t count) {
  alignas(64) float lanes[kRowLanes];
  hn::Store(v, RowTag(), lanes);
  for (std::size_t i = 0; i < count; ++i) p[i] = lanes[i];
}

HWY_INLINE float first_lane_sum(RowVec v) { return hn::GetLane(hn::SumOfLanes(RowTag(), v)); }

/// Largest value; NaN may be lost here, exp_row brings it back.
HWY_INLINE float max_row(const float* row, std::size_t n) {
  const RowTag d;
  auto largest = hn::Set(d, row[0]);
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) largest = hn::Max(largest, hn::LoadU(d, row + i));
  if (i < n) largest = hn::Max(largest, load_part(row + i, n - i, row[0]));
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

/// row[i] = e^(row[i] - shift), shift >= the largest; returns the sum.
HWY_INLINE float exp_row(float* row, std::size_t n, float shift) {
  const RowTag d;
  const auto offset = hn::Set(d, shift);
  auto sum = hn::Zero(d);
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) {
    const auto e = exp_negative(d, hn::Sub(hn::LoadU(d, row + i), offset));
    hn::StoreU(e, d, row + i);
    sum = hn::Add(sum, e);
  }
  if (i < n) {
    // The lanes past the end are far below zero and add nothing.
    auto x = hn::Sub(load_part(row + i, n - i, 0.0f), offset);
    x = hn::IfThenElse(hn::FirstN(d, n - i), x, hn::Set(d, -1000.0f));
    const auto e = exp_negative(d, x);
    store_part(e, row + i, n - i);
    sum = hn::Add(sum, e);
  }
  return first_lane_sum(sum);
}

/// row *= factor, and sums += row unless sums is null.
HWY_INLINE void scale_row(float* row, std::size_t n, float factor, float* sums) {
  const RowTag d;
  const auto f = hn::Set(d, factor);
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) {
    const auto p = hn::Mul(hn::LoadU(d, row + i), f);
    hn::StoreU(p, d, row + i);
    if (sums != nullptr) hn::StoreU(hn::Add(hn::LoadU(d, sums + i), p), d, sums + i);
  }
  for (; i < n; ++i) {
    row[i] *= factor;
    if (sums != nullptr) sums[i] += row[i];
  }
}

HWY_INLINE float sum_abs_row(const float* row, std::size_t n) {
  const RowTag d;
  auto sum = hn::Zero(d);
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) sum = hn::Add(sum, hn::Abs(hn::LoadU(d, row + i)));
  if (i < n) sum = hn::Add(sum, hn::Abs(load_part(row + i, n - i, 0.0f)));
  return first_lane_sum(sum);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard

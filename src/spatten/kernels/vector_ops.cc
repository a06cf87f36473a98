// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/vector_ops.h"

#include <math.h>

#include "spatten/kernels/simd.h"
#include "spatten/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "spatten/kernels/vector_ops.cc"
#include <hwy/foreach_target.h>
// After foreach_target: read once per target.
#include <hwy/highway.h>

#include "spatten/kernels/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {

void softmax_row(float* row, std::size_t n) {
  if (n == 0) return;
  const float sum = exp_row(row, n, max_row(row, n));
  scale_row(row, n, 1.0f / sum, nullptr);
}

void add_row(const float* x, std::size_t n, float* y) {
  const RowTag d;
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) hn::StoreU(hn::Add(hn::LoadU(d, y + i), hn::LoadU(d, x + i)), d, y + i);
  for (; i < n; ++i) y[i] += x[i];
}

float absolute_sum(const float* x, std::size_t n) { return sum_abs_row(x, n); }

float norm_of_row(const float* x, std::size_t n) {
  const RowTag d;
  auto sum = hn::Zero(d);
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) {
    const auto v = hn::LoadU(d, x + i);
    sum = hn::MulAdd(v, v, sum);
  }
  if (i < n) {
    const auto v = load_part(x + i, n - i, 0.0f);
    sum = hn::MulAdd(v, v, sum);
  }
  return ::sqrtf(first_lane_sum(sum));
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spatten::kernels {
namespace {
HWY_EXPORT(softmax_row);
HWY_EXPORT(add_row);
HWY_EXPORT(absolute_sum);
HWY_EXPORT(norm_of_row);
}  // namespace

void softmax_rows(Matrix m) {
  const FloatMode mode;
  for (std::size_t r = 0; r < m.rows; ++r) HWY_DYNAMIC_DISPATCH(softmax_row)(m.row(r), m.cols);
}

void add(ConstMatrix x, Matrix y) {
  SPATTEN_CHECK(x.rows == y.rows && x.cols == y.cols);
  const FloatMode mode;
  for (std::size_t r = 0; r < x.rows; ++r) HWY_DYNAMIC_DISPATCH(add_row)(x.row(r), x.cols, y.row(r));
}

float sum_abs(std::span<const float> x) {
  const FloatMode mode;
  return HWY_DYNAMIC_DISPATCH(absolute_sum)(x.data(), x.size());
}

void row_norms(ConstMatrix x, float* norms) {
  const FloatMode mode;
  for (std::size_t r = 0; r < x.rows; ++r) norms[r] = HWY_DYNAMIC_DISPATCH(norm_of_row)(x.row(r), x.cols);
}

}  // namespace spatten::kernels
#endif  // HWY_ONCE

// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/layer_norm.h"

#include <math.h>

#include "spatten/kernels/simd.h"
#include "spatten/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "spatten/kernels/layer_norm.cc"
#include <hwy/foreach_target.h>
// After foreach_target: read once per target.
#include <hwy/highway.h>

#include "spatten/kernels/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {

/// y = x + residual (null: x); returns the sum of y.
HWY_INLINE float add_and_sum(const float* x, const float* residual, std::size_t n, float* y) {
  const RowTag d;
  auto sum = hn::Zero(d);
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) {
    auto t = hn::LoadU(d, x + i);
    if (residual != nullptr) t = hn::Add(t, hn::LoadU(d, residual + i));
    hn::StoreU(t, d, y + i);
    sum = hn::Add(sum, t);
  }
  float tail = 0;
  for (; i < n; ++i) {
    y[i] = x[i] + (residual != nullptr ? residual[i] : 0.0f);
    tail += y[i];
  }
  return first_lane_sum(sum) + tail;
}

struct Spread {
  float shift, variance;
};

/// How far the true mean lies from `center`, and the variance. `center` is a float and its sum was rounded: when it is
/// large beside the spread, the shift is what it lost.
HWY_INLINE Spread spread(const float* y, std::size_t n, float center) {
  const RowTag d;
  const auto c = hn::Set(d, center);
  auto sum = hn::Zero(d), squares = hn::Zero(d);
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) {
    const auto t = hn::Sub(hn::LoadU(d, y + i), c);
    sum = hn::Add(sum, t);
    squares = hn::MulAdd(t, t, squares);
  }
  float tail = 0, tail_squares = 0;
  for (; i < n; ++i) {
    tail += y[i] - center;
    tail_squares += (y[i] - center) * (y[i] - center);
  }
  const float count = static_cast<float>(n), shift = (first_lane_sum(sum) + tail) / count;
  const float variance = (first_lane_sum(squares) + tail_squares) / count - shift * shift;
  return {shift, variance > 0 ? variance : 0};
}

void norm_row(const LayerNormArgs& args, const float* x, const float* residual, std::size_t n, float* y) {
  const RowTag d;
  const float center = add_and_sum(x, residual, n, y) / static_cast<float>(n);
  const Spread s = spread(y, n, center);
  const float factor = 1.0f / ::sqrtf(s.variance + args.eps);
  const auto c = hn::Set(d, center), shift = hn::Set(d, s.shift), f = hn::Set(d, factor);
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) {
    const auto t = hn::Mul(hn::Sub(hn::Sub(hn::LoadU(d, y + i), c), shift), f);
    hn::StoreU(hn::MulAdd(t, hn::LoadU(d, args.gamma + i), hn::LoadU(d, args.beta + i)), d, y + i);
  }
  for (; i < n; ++i) y[i] = (y[i] - center - s.shift) * factor * args.gamma[i] + args.beta[i];
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spatten::kernels {
namespace {
HWY_EXPORT(norm_row);
}  // namespace

void layer_norm(const LayerNormArgs& args) {
  const bool add = args.residual.data != nullptr;
  SPATTEN_CHECK(args.x.rows == args.y.rows && args.x.cols == args.y.cols);
  SPATTEN_CHECK(!add || (args.residual.rows == args.y.rows && args.residual.cols == args.y.cols));
  const FloatMode mode;
  for (std::size_t r = 0; r < args.x.rows; ++r) {
    HWY_DYNAMIC_DISPATCH(norm_row)(args, args.x.row(r), add ? args.residual.row(r) : nullptr, args.x.cols, args.y.row(r));
  }
}

}  // namespace spatten::kernels
#endif  // HWY_ONCE

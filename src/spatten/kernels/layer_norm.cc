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

HWY_INLINE float sum_of_squares(const float* y, std::size_t n, float mean) {
  const RowTag d;
  const auto center = hn::Set(d, mean);
  auto sum = hn::Zero(d);
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) {
    const auto t = hn::Sub(hn::LoadU(d, y + i), center);
    sum = hn::MulAdd(t, t, sum);
  }
  float tail = 0;
  for (; i < n; ++i) tail += (y[i] - mean) * (y[i] - mean);
  return first_lane_sum(sum) + tail;
}

void norm_row(const LayerNormArgs& args, const float* x, const float* residual, std::size_t n, float* y) {
  const RowTag d;
  const float mean = add_and_sum(x, residual, n, y) / static_cast<float>(n);
  const float variance = sum_of_squares(y, n, mean) / static_cast<float>(n);
  const float factor = 1.0f / ::sqrtf(variance + args.eps);
  const auto center = hn::Set(d, mean), f = hn::Set(d, factor);
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) {
    const auto t = hn::Mul(hn::Sub(hn::LoadU(d, y + i), center), f);
    hn::StoreU(hn::MulAdd(t, hn::LoadU(d, args.gamma + i), hn::LoadU(d, args.beta + i)), d, y + i);
  }
  for (; i < n; ++i) y[i] = (y[i] - mean) * factor * args.gamma[i] + args.beta[i];
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

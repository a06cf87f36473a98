// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/activation.h"

#include "spatten/kernels/simd.h"
#include "spatten/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "spatten/kernels/activation.cc"
#include <hwy/foreach_target.h>
// After foreach_target: read once per target.
#include <hwy/highway.h>

#include "spatten/kernels/math-inl.h"
#include "spatten/kernels/row-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {

template <Activation kFunction>
HWY_INLINE RowVec apply(RowVec x) {
  const RowTag d;
  if constexpr (kFunction == Activation::kGelu) return gelu(d, x);
  if constexpr (kFunction == Activation::kGeluNew) return gelu_new(d, x);
  if constexpr (kFunction == Activation::kTanh) return tanh_vector(d, x);
  // Not by max, which loses NaN on some targets.
  if constexpr (kFunction == Activation::kRelu) return hn::IfThenZeroElse(hn::Lt(x, hn::Zero(d)), x);
  return x;
}

template <Activation kFunction>
void apply_row(float* row, std::size_t n) {
  const RowTag d;
  std::size_t i = 0;
  for (; i + kRowLanes <= n; i += kRowLanes) hn::StoreU(apply<kFunction>(hn::LoadU(d, row + i)), d, row + i);
  if (i < n) store_part(apply<kFunction>(load_part(row + i, n - i, 0.0f)), row + i, n - i);
}

void activate_row(Activation activation, float* row, std::size_t n) {
  switch (activation) {
    case Activation::kNone:
      return;
    case Activation::kGelu:
      return apply_row<Activation::kGelu>(row, n);
    case Activation::kGeluNew:
      return apply_row<Activation::kGeluNew>(row, n);
    case Activation::kRelu:
      return apply_row<Activation::kRelu>(row, n);
    case Activation::kTanh:
      return apply_row<Activation::kTanh>(row, n);
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spatten::kernels {
namespace {
HWY_EXPORT(activate_row);
}  // namespace

void activate(Activation activation, Matrix y) {
  if (activation == Activation::kNone) return;
  const FloatMode mode;
  for (std::size_t r = 0; r < y.rows; ++r) HWY_DYNAMIC_DISPATCH(activate_row)(activation, y.row(r), y.cols);
}

}  // namespace spatten::kernels
#endif  // HWY_ONCE

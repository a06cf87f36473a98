// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/decode.h"

#include "spatten/kernels/attention_plan.h"
#include "spatten/kernels/simd.h"
#include "spatten/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "spatten/kernels/decode.cc"
#include <hwy/foreach_target.h>
// After foreach_target: read once per target.
#include <hwy/highway.h>

#include "spatten/kernels/decode-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {

void decode(const PackedRows::Planes& planes, std::size_t row, bool with_lsb, float* out) {
  RowSource source;
  source.planes = planes;
  fetch_row(source, row, with_lsb, out);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spatten::kernels {
namespace {
HWY_EXPORT(decode);
}  // namespace

void decode_planes(const PackedRows::Planes& planes, std::size_t row, bool with_lsb, float* out) {
  const FloatMode mode;
  HWY_DYNAMIC_DISPATCH(decode)(planes, row, with_lsb, out);
}

}  // namespace spatten::kernels
#endif  // HWY_ONCE

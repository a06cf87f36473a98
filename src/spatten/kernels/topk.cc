// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/topk.h"

#include <numeric>

#include "spatten/base/matrix.h"
#include "spatten/kernels/simd.h"
#include "spatten/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "spatten/kernels/topk.cc"
#include <hwy/foreach_target.h>
// After foreach_target: read once per target.
#include <hwy/highway.h>

#include "spatten/kernels/select-inl.h"

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {

void select_top(const float* x, std::size_t n, std::size_t k, std::int32_t* keys, std::uint32_t* kept) {
  select_largest(x, n, k, keys, kept);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spatten::kernels {
namespace {
HWY_EXPORT(select_top);
}  // namespace

void top_k(std::span<const float> values, std::size_t k, std::vector<std::uint32_t>& kept) {
  const std::size_t n = values.size();
  SPATTEN_CHECK(n < INT32_MAX);
  if (k == 0 || k >= n) {
    kept.resize(k == 0 ? 0 : n);
    std::iota(kept.begin(), kept.end(), 0u);
    return;
  }
  const FloatMode mode;
  Buffer<std::int32_t> keys(n + 16);
  kept.resize(k + 16);
  HWY_DYNAMIC_DISPATCH(select_top)(values.data(), n, k, keys.data(), kept.data());
  kept.resize(k);
}

}  // namespace spatten::kernels
#endif  // HWY_ONCE

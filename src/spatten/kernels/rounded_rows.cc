// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/rounded_rows.h"

#include <algorithm>
#include <cfloat>

#include "spatten/kernels/simd.h"
#include "spatten/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "spatten/kernels/rounded_rows.cc"
#include <hwy/foreach_target.h>
// After foreach_target: read once per target.
#include <hwy/highway.h>

#include "spatten/kernels/row-inl.h"

#ifndef SPATTEN_KERNELS_ROUNDED_ROWS_ONCE_
#define SPATTEN_KERNELS_ROUNDED_ROWS_ONCE_
namespace spatten::kernels {
namespace {

/// Elements of x to round, and where to.
struct RoundTask {
  const float* x = nullptr;
  const Range* ranges = nullptr;
  std::size_t range_count = 0;
  void* out = nullptr;  // zeros, with room for a vector past the last element
};

}  // namespace
}  // namespace spatten::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {

using Floats = RowVec;
using Words = hn::RebindToUnsigned<RowTag>;
using Ints = hn::RebindToSigned<RowTag>;

/// rounded(first element, vector of values) for all of the ranges; values past a range are zero.
template <class F>
HWY_INLINE void for_each_vector(const RoundTask& task, const F& f) {
  for (std::size_t r = 0; r < task.range_count; ++r) {
    std::size_t i = task.ranges[r].begin;
    const std::size_t end = task.ranges[r].end;
    for (; i + kRowLanes <= end; i += kRowLanes) f(i, hn::LoadU(RowTag(), task.x + i));
    if (i < end) f(i, load_part(task.x + i, end - i, 0.0f));
  }
}

void round_bf16(const RoundTask& task) {
  const Words d;
  const hn::Rebind<std::uint16_t, RowTag> d16;
  auto* out = static_cast<std::uint16_t*>(task.out);
  for_each_vector(task, [&](std::size_t i, Floats x) {
    const auto bits = hn::BitCast(d, x);
    const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d, 1u));
    const auto nearest = hn::ShiftRight<16>(hn::Add(hn::Add(bits, hn::Set(d, 0x7FFFu)), odd));
    const auto quiet = hn::Or(hn::ShiftRight<16>(bits), hn::Set(d, 0x40u));
    const auto rounded = hn::IfThenElse(hn::RebindMask(d, hn::IsNaN(x)), quiet, nearest);
    hn::StoreU(hn::DemoteTo(d16, hn::BitCast(Ints(), rounded)), d16, out + i);
  });
}

/// Returns the scale.
float round_int8(const RoundTask& task) {
  const RowTag d;
  const Ints di;
  const hn::Rebind<std::int8_t, RowTag> d8;
  // As integers magnitudes have the order that they have as floats, and NaN is the largest.
  auto largest = hn::Zero(di);
  for_each_vector(task, [&](std::size_t, Floats x) { largest = hn::Max(largest, hn::BitCast(di, hn::Abs(x))); });
  const float magnitude = hn::GetLane(hn::BitCast(d, hn::MaxOfLanes(di, largest)));
  if (!(magnitude <= FLT_MAX)) return magnitude - magnitude;  // NaN
  const float limit = 127.0f, scale = magnitude / limit < FLT_MIN ? FLT_MIN : magnitude / limit;
  const auto inverse = hn::Set(d, 1.0f / scale);
  auto* out = static_cast<std::int8_t*>(task.out);
  for_each_vector(task, [&](std::size_t i, Floats x) {
    hn::StoreU(hn::DemoteTo(d8, hn::NearestInt(hn::Mul(x, inverse))), d8, out + i);
  });
  return scale;
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spatten::kernels {
namespace {

HWY_EXPORT(round_bf16);
HWY_EXPORT(round_int8);

constexpr std::size_t kSlackWords = 16;  // a vector of elements past the last one

/// Returns the scale of int8.
float round_row(Precision precision, const RoundTask& task) {
  if (precision == Precision::kInt8) return HWY_DYNAMIC_DISPATCH(round_int8)(task);
  HWY_DYNAMIC_DISPATCH(round_bf16)(task);
  return 1;
}

/// Ranges of inputs as ranges of groups, neighbours joined.
void find_spans(std::span<const Range> ranges, std::size_t step, std::vector<Range>& spans) {
  spans.clear();
  for (const Range range : ranges) {
    if (range.begin == range.end) continue;
    const Range groups{range.begin / step, (range.end + step - 1) / step};
    if (!spans.empty() && groups.begin <= spans.back().end) {
      spans.back().end = groups.end;
    } else {
      spans.push_back(groups);
    }
  }
}

}  // namespace

void RoundedRows::round(ConstMatrix x, Precision precision, std::span<const Range> ranges, ThreadPool& threads) {
  SPATTEN_CHECK(precision != Precision::kFp32);
  const std::size_t step = group_inputs(precision), words = (x.cols + step - 1) / step;
  const Range all{0, x.cols};
  if (ranges.empty()) ranges = {&all, 1};
  find_spans(ranges, step, spans_);
  all_groups_ = spans_.size() == 1 && spans_[0].begin == 0 && spans_[0].end == words;
  biased_ = precision == Precision::kInt8 && runs_avx512_vnni();
  rows_ = x.rows;
  stride_ = words + kSlackWords;
  words_.reserve(rows_ * stride_);
  scales_.reserve(rows_);
  threads.parallel_for(rows_, [&](std::size_t r, std::size_t) {
    const FloatMode mode;
    std::uint32_t* row = words_.data() + r * stride_;
    std::fill_n(row, stride_, 0u);
    scales_[r] = round_row(precision, {x.row(r), ranges.data(), ranges.size(), row});
    if (!biased_) return;
    for (std::size_t w = 0; w < stride_; ++w) row[w] ^= 0x80808080u;
  });
}

}  // namespace spatten::kernels
#endif  // HWY_ONCE

// SPDX-License-Identifier: Apache-2.0
// The k largest of n floats: values become integers of the same order, a search of their range finds a threshold, one
// pass writes the indices. The search stops as soon as exactly k values lie above. It guesses by the counts found so far
// (as if the values lay evenly between) and halves the range every third time, so 100 passes are the bound and about 7
// the rule. A pass is a compare and an add per vector, where the partition of a quick-select would move data.
// Included once per Highway target.
#if defined(SPATTEN_KERNELS_SELECT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPATTEN_KERNELS_SELECT_INL_H_
#undef SPATTEN_KERNELS_SELECT_INL_H_
#else
#define SPATTEN_KERNELS_SELECT_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using OrderTag = hn::ScalableTag<std::int32_t>;
using OrderVec = hn::Vec<OrderTag>;
constexpr std::size_t kOrderLanes = hn::MaxLanes(OrderTag());

constexpr std::int32_t kLowest = INT32_MIN;           // the padding
constexpr std::int32_t kMinusInfinity = -0x7F800001;  // NaN too, as in algo/topk

/// keys[0 .. round_up(n, 16)) from x[0 .. n): same order, -0 equal to +0, NaN to -inf. Negative floats count down in
/// their bits, so these are turned over.
HWY_INLINE void order_keys(const float* x, std::size_t n, std::int32_t* keys) {
  const hn::ScalableTag<float> d;
  const OrderTag di;
  const auto magnitude = hn::Set(di, INT32_MAX);
  std::size_t i = 0;
  for (; i + kOrderLanes <= n; i += kOrderLanes) {
    const auto v = hn::Add(hn::LoadU(d, x + i), hn::Zero(d));  // -0 + 0 = +0
    const auto bits = hn::BitCast(di, v);
    const auto key = hn::IfThenElse(hn::Lt(bits, hn::Zero(di)), hn::Xor(bits, magnitude), bits);
    const auto number = hn::RebindMask(di, hn::Eq(v, v));
    hn::StoreU(hn::IfThenElse(number, key, hn::Set(di, kMinusInfinity)), di, keys + i);
  }
  for (; i < n; ++i) {
    const float v = x[i] + 0.0f;
    std::int32_t bits;
    __builtin_memcpy(&bits, &v, sizeof bits);
    keys[i] = v != v ? kMinusInfinity : bits < 0 ? bits ^ INT32_MAX : bits;
  }
  for (; i % 16 != 0; ++i) keys[i] = kLowest;
}

/// How many of the padded keys are >= pivot > kLowest.
HWY_INLINE std::size_t count_from(const std::int32_t* keys, std::size_t padded, std::int32_t pivot) {
  const OrderTag di;
  const auto p = hn::Set(di, pivot);
  const auto one = hn::Set(di, 1);
  auto even = hn::Zero(di), odd = hn::Zero(di);
  std::size_t i = 0;
  for (; i + 2 * kOrderLanes <= padded; i += 2 * kOrderLanes) {
    even = hn::Add(even, hn::IfThenZeroElse(hn::Lt(hn::LoadU(di, keys + i), p), one));
    odd = hn::Add(odd, hn::IfThenZeroElse(hn::Lt(hn::LoadU(di, keys + i + kOrderLanes), p), one));
  }
  if (i < padded) even = hn::Add(even, hn::IfThenZeroElse(hn::Lt(hn::LoadU(di, keys + i), p), one));
  return static_cast<std::size_t>(hn::GetLane(hn::SumOfLanes(di, hn::Add(even, odd))));
}

struct Threshold {
  std::int32_t key;   // kept are the keys above it,
  std::size_t equal;  // and the first so many equal to it
};

/// Smallest and largest of the n keys, padding left out: it would double the range to bisect.
HWY_INLINE void key_range(const std::int32_t* keys, std::size_t n, std::int64_t& low, std::int64_t& high) {
  const OrderTag di;
  if (n < kOrderLanes) {
    low = high = keys[0];
    for (std::size_t i = 1; i < n; ++i) {
      low = keys[i] < low ? keys[i] : low;
      high = keys[i] > high ? keys[i] : high;
    }
    return;
  }
  auto smallest = hn::LoadU(di, keys + n - kOrderLanes), largest = smallest;
  for (std::size_t i = 0; i + kOrderLanes <= n; i += kOrderLanes) {
    const auto v = hn::LoadU(di, keys + i);
    smallest = hn::Min(smallest, v);
    largest = hn::Max(largest, v);
  }
  low = hn::GetLane(hn::MinOfLanes(di, smallest));
  high = hn::GetLane(hn::MaxOfLanes(di, largest));
}

/// 0 < k < n. Invariant: at least k keys are >= low, fewer than k are > high.
HWY_INLINE Threshold find_threshold(const std::int32_t* keys, std::size_t n, std::size_t k) {
  const std::size_t padded = (n + 15) / 16 * 16;
  std::int64_t low, high;
  key_range(keys, n, low, high);
  std::size_t above = 0, from_low = n;  // keys > high, keys >= low
  for (int pass = 1; low < high; ++pass) {
    const double share = static_cast<double>(from_low - k) / static_cast<double>(from_low - above);
    const std::int64_t step = pass % 3 == 0 ? (high - low) / 2 : static_cast<std::int64_t>(static_cast<double>(high - low) * share);
    const std::int64_t middle = low + 1 + (step < high - low ? step : high - low - 1);
    const std::size_t count = count_from(keys, padded, static_cast<std::int32_t>(middle));
    if (count == k) return {static_cast<std::int32_t>(middle - 1), 0};
    if (count > k) {
      low = middle;
      from_low = count;
    } else {
      high = middle - 1;
      above = count;
    }
  }
  return {static_cast<std::int32_t>(low), k - above};
}

/// One past the position of the `count`-th key equal to `key`.
HWY_INLINE std::size_t end_of_equals(const std::int32_t* keys, std::int32_t key, std::size_t count) {
  std::size_t i = 0;
  for (; count > 0; ++i) count -= keys[i] == key ? 1 : 0;
  return i;
}

/// Writes the indices of the k largest of n values, ascending, ties to the lower index; 0 < k < n < 2^31.
/// keys: room for round_up(n, 16); kept: room for k + 16.
HWY_INLINE void select_largest(const float* x, std::size_t n, std::size_t k, std::int32_t* keys, std::uint32_t* kept) {
  const OrderTag di;
  const hn::RebindToUnsigned<OrderTag> du;
  const std::size_t padded = (n + 15) / 16 * 16;
  order_keys(x, n, keys);
  const Threshold t = find_threshold(keys, n, k);
  const auto key = hn::Set(di, t.key);
  const auto end = hn::Set(di, static_cast<std::int32_t>(end_of_equals(keys, t.key, t.equal)));
  auto index = hn::Iota(di, 0);
  std::size_t count = 0;
  for (std::size_t i = 0; i < padded; i += kOrderLanes) {
    const auto v = hn::LoadU(di, keys + i);
    const auto keep = hn::Or(hn::Gt(v, key), hn::And(hn::Eq(v, key), hn::Lt(index, end)));
    // Compress to a register: the form with a memory target takes over a hundred cycles on Zen 4.
    hn::StoreU(hn::BitCast(du, hn::Compress(index, keep)), du, kept + count);
    count += hn::CountTrue(di, keep);
    index = hn::Add(index, hn::Set(di, static_cast<std::int32_t>(kOrderLanes)));
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard

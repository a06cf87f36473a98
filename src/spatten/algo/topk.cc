// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/topk.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "spatten/base/error.h"

namespace spatten::algo {
namespace {

/// One pass: what is smaller, larger and equal to the pivot (FIFO_L, FIFO_R, num_eq_pivot).
template <class T>
struct Split {
  std::vector<T> left, right;
  std::size_t equal = 0;

  Split(const std::vector<T>& source, T pivot) {
    for (const T value : source) {
      if (value < pivot) {
        left.push_back(value);
      } else if (value > pivot) {
        right.push_back(value);
      } else {
        ++equal;
      }
    }
  }
};

template <class T>
T draw(const std::vector<T>& source, Random& random) {
  SPATTEN_CHECK(!source.empty());
  return source[random.below(source.size())];
}

/// NaN has no order; it ranks below everything, so that the splits always make progress.
template <class T>
std::vector<T> ordered(std::span<const T> values) {
  std::vector<T> out(values.begin(), values.end());
  for (T& value : out) {
    if (std::isnan(value)) value = -std::numeric_limits<T>::infinity();
  }
  return out;
}

/// Finds the threshold: the `target`-th largest of `source`, 1 <= target <= size.
template <class T>
void quick_select(std::vector<T> source, std::size_t target, Random& pivots, TopK& out) {
  for (;;) {
    const T pivot = draw(source, pivots);
    Split<T> split(source, pivot);
    ++out.passes;
    if (split.right.size() + split.equal < target) {  // the pivot is too large
      target -= split.right.size() + split.equal;
      source = std::move(split.left);
    } else if (split.right.size() >= target) {  // the pivot is too small
      source = std::move(split.right);
    } else {
      out.threshold = static_cast<double>(pivot);
      out.equals_kept = static_cast<std::uint32_t>(target - split.right.size());
      return;
    }
  }
}

/// The filter after the selection: larger ones, and the first copies of the threshold.
template <class T>
std::vector<std::uint32_t> filter(const std::vector<T>& values, double threshold, std::uint32_t equals) {
  std::vector<std::uint32_t> kept;
  for (std::uint32_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<double>(values[i]);
    if (value > threshold || (value == threshold && equals > 0)) {
      if (value == threshold) --equals;
      kept.push_back(i);
    }
  }
  return kept;
}

template <class T>
TopK select(std::span<const T> input, std::size_t k, Random& pivots) {
  SPATTEN_CHECK(input.size() <= UINT32_MAX);
  TopK out;
  if (k == 0) return out;
  if (k >= input.size()) {
    out.kept.resize(input.size());
    std::iota(out.kept.begin(), out.kept.end(), 0u);
    return out;
  }
  const std::vector<T> values = ordered(input);
  quick_select(values, k, pivots, out);
  out.kept = filter(values, out.threshold, out.equals_kept);
  return out;
}

}  // namespace

TopK top_k(std::span<const double> values, std::size_t k, Random& pivots) { return select(values, k, pivots); }
TopK top_k(std::span<const float> values, std::size_t k, Random& pivots) { return select(values, k, pivots); }

std::vector<std::uint32_t> top_k_indices(std::span<const double> values, std::size_t k) {
  Random pivots(1);
  return top_k(values, k, pivots).kept;
}
std::vector<std::uint32_t> top_k_indices(std::span<const float> values, std::size_t k) {
  Random pivots(1);
  return top_k(values, k, pivots).kept;
}

std::uint64_t topk_latency_cycles(std::size_t n, std::size_t k, std::size_t lanes, Random& random) {
  SPATTEN_CHECK(lanes > 0);
  if (k == 0 || k >= n) return 0;
  std::vector<std::uint32_t> source(n);
  for (std::uint32_t& value : source) value = static_cast<std::uint32_t>(random.next() >> 32);
  std::uint64_t cycles = 0;
  std::size_t rank = k - 1;  // 0-based: how many larger ones precede the element looked for
  for (;;) {
    cycles += (source.size() + lanes - 1) / lanes + 3;
    Split<std::uint32_t> split(source, draw(source, random));
    if (split.right.size() + split.equal <= rank) {
      rank -= split.right.size() + split.equal;
      source = std::move(split.left);
    } else if (split.right.size() > rank) {
      source = std::move(split.right);
    } else {
      return cycles;
    }
  }
}

}  // namespace spatten::algo

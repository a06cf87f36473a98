// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/selection_model.h"

#include <algorithm>

namespace spatten::sim {
namespace {

void count_pass(Selection& selection, std::size_t n, std::size_t equal, const SelectionCost& cost) {
  selection.cycles += static_cast<std::uint32_t>((n + cost.lanes - 1) / cost.lanes) + cost.overhead;
  selection.compares += n;
  selection.packed += n - equal;
  ++selection.passes;
}

// Quick-select on a sequence whose order is kept, `less` first. The rank is 0-based.
template <class T, class Draw>
Selection select_sequence(std::vector<T> values, std::size_t rank, const SelectionCost& cost, Draw&& draw) {
  Selection selection;
  while (!values.empty()) {
    const T pivot = values[draw(values.size())];
    const auto less = static_cast<std::size_t>(std::count_if(values.begin(), values.end(), [&](T v) { return v < pivot; }));
    const auto equal = static_cast<std::size_t>(std::count(values.begin(), values.end(), pivot));
    count_pass(selection, values.size(), equal, cost);
    if (less <= rank && less + equal > rank) break;
    const bool left = less > rank;
    if (!left) rank -= less + equal;
    std::erase_if(values, [&](T v) { return left ? !(v < pivot) : !(pivot < v); });
  }
  return selection;
}

}  // namespace

Selection select_java_values(std::uint32_t n, std::uint32_t keep, const SelectionCost& cost, JavaRandom& random) {
  std::vector<std::int32_t> values(n);
  for (std::int32_t& v : values) v = random.next_int();
  return select_sequence(std::move(values), keep, cost,
                         [&](std::size_t size) { return static_cast<std::size_t>(random.next_int(static_cast<std::int32_t>(size))); });
}

Selection select_random_ranks(std::uint32_t n, std::uint32_t keep, const SelectionCost& cost, Random& random) {
  Selection selection;
  std::uint64_t rank = keep;
  for (std::uint64_t left = n; left > 0;) {
    count_pass(selection, left, 1, cost);
    const std::uint64_t pivot = random.below(left);  // so many elements are less
    if (pivot == rank) break;
    if (pivot < rank) {
      rank -= pivot + 1;
      left -= pivot + 1;
    } else {
      left = pivot;
    }
  }
  return selection;
}

Selection select_values(std::span<const std::uint16_t> values, std::uint32_t keep, const SelectionCost& cost, Random& random) {
  std::vector<int> negated(values.size());  // the largest first
  std::transform(values.begin(), values.end(), negated.begin(), [](std::uint16_t v) { return -static_cast<int>(v); });
  return select_sequence(std::move(negated), keep == 0 ? 0 : keep - 1, cost,
                         [&](std::size_t size) { return static_cast<std::size_t>(random.below(size)); });
}

}  // namespace spatten::sim

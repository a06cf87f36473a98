// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/baselines/batcher_sorter.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "spatten/base/error.h"

namespace spatten {
namespace {

using Network = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

constexpr std::uint32_t kPadding = std::numeric_limits<std::uint32_t>::max();

// Merges the two sorted halves of n elements that stand `stride` apart from `first` on (Batcher 1968): their even and
// their odd elements apart, then neighbours.
void add_merge(std::uint32_t first, std::uint32_t n, std::uint32_t stride, Network& out) {
  if (n == 2) {
    out.emplace_back(first, first + stride);
    return;
  }
  add_merge(first, n / 2, 2 * stride, out);
  add_merge(first + stride, n / 2, 2 * stride, out);
  for (std::uint32_t i = 1; i + 1 < n; i += 2) out.emplace_back(first + i * stride, first + (i + 1) * stride);
}

void add_sort(std::uint32_t first, std::uint32_t n, Network& out) {
  if (n < 2) return;
  add_sort(first, n / 2, out);
  add_sort(first + n / 2, n / 2, out);
  add_merge(first, n, 1, out);
}

void apply(const Network& network, std::uint32_t* values, BatcherSorter::Cost& cost) {
  for (const auto& [low, high] : network) {
    if (values[high] < values[low]) std::swap(values[low], values[high]);
  }
  cost.compares += network.size();
}

}  // namespace

Network batcher_sort_network(std::uint32_t n) {
  SPATTEN_CHECK(std::has_single_bit(n));
  Network out;
  add_sort(0, n, out);
  return out;
}

Network batcher_merge_network(std::uint32_t n) {
  SPATTEN_CHECK(std::has_single_bit(n) && n >= 2);
  Network out;
  add_merge(0, n, 1, out);
  return out;
}

BatcherSorter::BatcherSorter(const Spec& spec)
    : spec_(spec), sort_(batcher_sort_network(spec.lanes)), merge_(batcher_merge_network(2 * spec.lanes)) {}

// `lanes` elements a cycle: the block whose first element is smaller enters the merger beside the larger half of the
// block before; the smaller half leaves.
std::vector<std::uint32_t> BatcherSorter::merged(const std::vector<std::uint32_t>& a,
                                                 const std::vector<std::uint32_t>& b, Cost& cost) const {
  const std::size_t lanes = spec_.lanes;
  std::vector<std::uint32_t> out, window(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(lanes));
  window.resize(2 * lanes);
  for (std::size_t at = lanes, bt = 0; at < a.size() || bt < b.size();) {
    const bool from_a = bt == b.size() || (at < a.size() && a[at] < b[bt]);
    const auto& side = from_a ? a : b;
    std::size_t& next = from_a ? at : bt;
    std::copy_n(side.begin() + static_cast<std::ptrdiff_t>(next), lanes,
                window.begin() + static_cast<std::ptrdiff_t>(lanes));
    next += lanes;
    apply(merge_, window.data(), cost);
    out.insert(out.end(), window.begin(), window.begin() + static_cast<std::ptrdiff_t>(lanes));
    std::copy_n(window.begin() + static_cast<std::ptrdiff_t>(lanes), lanes, window.begin());
  }
  out.insert(out.end(), window.begin(), window.begin() + static_cast<std::ptrdiff_t>(lanes));
  return out;
}

BatcherSorter::Cost BatcherSorter::sort(std::vector<std::uint32_t>& values) const {
  Cost cost;
  const std::size_t n = values.size(), lanes = spec_.lanes;
  const auto pass = [&] {
    cost.cycles += (n + lanes - 1) / lanes + spec_.pass_overhead_cycles;
    ++cost.passes;
  };
  if (n == 0) return cost;
  std::vector<std::vector<std::uint32_t>> runs;
  for (std::size_t first = 0; first < n; first += lanes) {
    std::vector<std::uint32_t>& run = runs.emplace_back(lanes, kPadding);
    std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(first), std::min(lanes, n - first), run.begin());
    apply(sort_, run.data(), cost);
  }
  pass();
  while (runs.size() > 1) {
    std::vector<std::vector<std::uint32_t>> longer;
    for (std::size_t i = 0; i + 1 < runs.size(); i += 2) longer.push_back(merged(runs[i], runs[i + 1], cost));
    if (runs.size() % 2 == 1) longer.push_back(std::move(runs.back()));
    runs = std::move(longer);
    pass();
  }
  std::copy_n(runs[0].begin(), n, values.begin());
  return cost;
}

}  // namespace spatten

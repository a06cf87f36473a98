// SPDX-License-Identifier: Apache-2.0
// The sorter that the paper's top-k engine is compared with (HPCA'21 IV-C): merge sort built from Batcher's odd-even
// merge networks, as wide as the engine. One pass sorts runs of `lanes` elements; each further pass merges pairs of
// runs, `lanes` elements a cycle, so that a row of n elements takes 1 + ceil(log2(n / lanes)) passes. The paper gives
// no size: the same width and the same cost of a pass as the quick-select's (n / lanes cycles and
// `pass_overhead_cycles`) are assumed.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace spatten {

/// Compare-exchange pairs (low, high) of Batcher's odd-even merge sort of n elements, n a power of two, in order.
std::vector<std::pair<std::uint32_t, std::uint32_t>> batcher_sort_network(std::uint32_t n);
/// Of his merge of two sorted halves of n elements: the last part of the network above.
std::vector<std::pair<std::uint32_t, std::uint32_t>> batcher_merge_network(std::uint32_t n);

class BatcherSorter {
 public:
  struct Spec {
    std::uint32_t lanes = 16;  ///< a power of two
    std::uint32_t pass_overhead_cycles = 3;
  };
  struct Cost {
    std::uint64_t cycles = 0, passes = 0;
    std::uint64_t compares = 0;  ///< compare-exchanges that worked
  };

  explicit BatcherSorter(const Spec& spec);

  /// Sorts ascending, as the hardware does, and says what it took. Rows that do not fill their runs are padded.
  Cost sort(std::vector<std::uint32_t>& values) const;
  /// Compare-exchange elements of the sorting network and of the merger.
  std::uint64_t comparators() const { return sort_.size() + merge_.size(); }

 private:
  std::vector<std::uint32_t> merged(const std::vector<std::uint32_t>& a, const std::vector<std::uint32_t>& b,
                                    Cost& cost) const;

  Spec spec_;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> sort_, merge_;
};

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/baselines/batcher_sorter.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "spatten/base/random.h"

namespace spatten {
namespace {

TEST(BatcherNetwork, HasBatchersNumberOfComparators) {
  // (p^2 - p + 4) 2^(p - 2) - 1 for 2^p elements.
  EXPECT_EQ(batcher_sort_network(1).size(), 0u);
  EXPECT_EQ(batcher_sort_network(2).size(), 1u);
  EXPECT_EQ(batcher_sort_network(4).size(), 5u);
  EXPECT_EQ(batcher_sort_network(8).size(), 19u);
  EXPECT_EQ(batcher_sort_network(16).size(), 63u);
  EXPECT_EQ(batcher_sort_network(1024).size(), 24063u);
  EXPECT_EQ(batcher_merge_network(4).size(), 3u);
  EXPECT_EQ(batcher_merge_network(32).size(), 65u);
}

// A network that sorts all inputs of zeros and ones sorts everything.
TEST(BatcherNetwork, SortsAllZerosAndOnes) {
  const auto network = batcher_sort_network(16);
  for (std::uint32_t bits = 0; bits < (1u << 16); ++bits) {
    std::uint32_t v = bits;
    for (const auto& [low, high] : network) {
      if (((v >> low) & 1) > ((v >> high) & 1)) v ^= (1u << low) | (1u << high);
    }
    const std::uint32_t ones = v == 0 ? 0 : ~v & 0xffff;
    ASSERT_TRUE((ones & (ones + 1)) == 0) << bits;  // zeros first: the positions without a one are the lowest
  }
}

TEST(BatcherSorter, SortsRowsOfEveryLength) {
  Random random(7);
  for (const std::uint32_t lanes : {1u, 4u, 16u}) {
    const BatcherSorter sorter({.lanes = lanes, .pass_overhead_cycles = 3});
    for (std::size_t n = 0; n < 200; n += 7) {
      std::vector<std::uint32_t> values(n);
      for (auto& v : values) v = static_cast<std::uint32_t>(random.below(50));
      std::vector<std::uint32_t> expected = values;
      std::sort(expected.begin(), expected.end());
      sorter.sort(values);
      EXPECT_EQ(values, expected) << lanes << " lanes, " << n;
    }
  }
}

TEST(BatcherSorter, TakesOnePassPerDoublingOfTheRuns) {
  std::vector<std::uint32_t> values(1024, 1);
  const BatcherSorter::Cost cost = BatcherSorter({.lanes = 16, .pass_overhead_cycles = 3}).sort(values);
  EXPECT_EQ(cost.passes, 7u);
  EXPECT_EQ(cost.cycles, 7u * (64 + 3));
  EXPECT_EQ(cost.compares, 64u * 63 + (32u * 1 + 16u * 3 + 8u * 7 + 4u * 15 + 2u * 31 + 63u) * 65);
}

}  // namespace
}  // namespace spatten

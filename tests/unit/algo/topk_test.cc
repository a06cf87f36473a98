// SPDX-License-Identifier: Apache-2.0
// Quick-select against a stable sort on many shapes, the paper's example, and the authors' latency recurrence.
#include "spatten/algo/topk.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace spatten::algo {
namespace {

using testing::ElementsAre;

constexpr double kInf = std::numeric_limits<double>::infinity();

/// Largest first, equals by index; the first k, back in index order.
std::vector<std::uint32_t> by_sorting(const std::vector<double>& values, std::size_t k) {
  std::vector<std::uint32_t> order(values.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return values[a] > values[b]; });
  order.resize(std::min(k, values.size()));
  std::sort(order.begin(), order.end());
  return order;
}

TEST(TopK, GivesThresholdAndCopiesOfFigure9) {
  const std::vector<double> values{0.6, 0.1, 0.5, 1.2, 0.6};
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    Random pivots(seed);
    const TopK result = top_k(values, 3, pivots);
    EXPECT_THAT(result.kept, ElementsAre(0u, 3u, 4u));  // 0.6, 1.2, 0.6: order kept
    EXPECT_EQ(result.threshold, 0.6);
    EXPECT_EQ(result.equals_kept, 2u);
    EXPECT_GE(result.passes, 1u);
  }
}

TEST(TopK, EqualsAStableSortOnManyShapes) {
  Random random(7);
  for (int round = 0; round < 4000; ++round) {
    const std::size_t n = random.below(70);
    const std::size_t distinct = 1 + random.below(round % 2 == 0 ? 4 : 1000);  // few: many ties
    std::vector<double> values(n);
    for (double& v : values) v = static_cast<double>(random.below(distinct)) - 2.0;
    const std::size_t k = random.below(n + 3);
    const TopK result = top_k(values, k, random);
    ASSERT_EQ(result.kept, by_sorting(values, k)) << "n " << n << " k " << k;
    if (k > 0 && k < n) {
      std::vector<double> sorted = values;
      std::sort(sorted.rbegin(), sorted.rend());
      ASSERT_EQ(result.threshold, sorted[k - 1]);
      const auto larger = static_cast<std::size_t>(
          std::count_if(values.begin(), values.end(), [&](double v) { return v > result.threshold; }));
      ASSERT_EQ(larger + result.equals_kept, k);
    }
  }
}

TEST(TopK, HandlesEmptyOneNoneAndAll) {
  EXPECT_THAT(top_k_indices(std::vector<double>{}, 0), ElementsAre());
  EXPECT_THAT(top_k_indices(std::vector<double>{}, 5), ElementsAre());
  EXPECT_THAT(top_k_indices(std::vector<double>{3}, 0), ElementsAre());
  EXPECT_THAT(top_k_indices(std::vector<double>{3}, 1), ElementsAre(0u));
  EXPECT_THAT(top_k_indices(std::vector<double>{3, 1, 2}, 3), ElementsAre(0u, 1u, 2u));
  EXPECT_THAT(top_k_indices(std::vector<double>{3, 1, 2}, SIZE_MAX), ElementsAre(0u, 1u, 2u));
}

TEST(TopK, KeepsTheFirstOfEquals) {
  EXPECT_THAT(top_k_indices(std::vector<float>(6, 0.25f), 2), ElementsAre(0u, 1u));
  EXPECT_THAT(top_k_indices(std::vector<double>{0.0, -0.0, 0.0, -1.0}, 2), ElementsAre(0u, 1u));
}

TEST(TopK, RanksNanLowestAndInfinitiesInOrder) {
  const double nan = std::nan("");
  EXPECT_THAT(top_k_indices(std::vector<double>{nan, 1, nan, -5}, 2), ElementsAre(1u, 3u));
  EXPECT_THAT(top_k_indices(std::vector<double>{nan, nan, nan}, 1), ElementsAre(0u));
  EXPECT_THAT(top_k_indices(std::vector<double>{-kInf, kInf, 0, kInf}, 3), ElementsAre(1u, 2u, 3u));
}

TEST(TopK, PivotsChangeThePassesAndNeverTheResult) {
  Random values_random(3);
  std::vector<float> values(257);
  for (float& v : values) v = static_cast<float>(values_random.below(40));
  std::vector<std::uint32_t> passes;
  const std::vector<std::uint32_t> kept = top_k_indices(values, 100);
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Random pivots(seed);
    const TopK result = top_k(values, 100, pivots);
    EXPECT_EQ(result.kept, kept);
    passes.push_back(result.passes);
  }
  EXPECT_NE(*std::min_element(passes.begin(), passes.end()), *std::max_element(passes.begin(), passes.end()));
}

struct LatencyCase {
  std::size_t n, k, lanes;
  double mean_cycles;
};

class TopKLatency : public testing::TestWithParam<LatencyCase> {};

/// Means of the authors' recurrence. 1000 draws of standard deviation about 28 % give a standard error below 1 %.
TEST_P(TopKLatency, AgreesWithTheAuthorsRecurrence) {
  const LatencyCase c = GetParam();
  Random random(1);
  double sum = 0;
  constexpr int kDraws = 1000;
  for (int i = 0; i < kDraws; ++i) sum += static_cast<double>(topk_latency_cycles(c.n, c.k, c.lanes, random));
  EXPECT_NEAR(sum / kDraws, c.mean_cycles, 0.05 * c.mean_cycles);
}

INSTANTIATE_TEST_SUITE_P(Table, TopKLatency,
                         testing::Values(LatencyCase{1024, 512, 16, 257}, LatencyCase{1024, 512, 1, 3455},
                                         LatencyCase{1024, 512, 8, 472}, LatencyCase{1024, 512, 32, 151},
                                         LatencyCase{64, 32, 16, 37}, LatencyCase{204, 40, 16, 69},
                                         LatencyCase{614, 184, 16, 162}, LatencyCase{921, 184, 8, 381}));

TEST(TopKLatency, IsZeroWhenNothingHasToBeSelected) {
  Random random(1);
  EXPECT_EQ(topk_latency_cycles(64, 0, 16, random), 0u);
  EXPECT_EQ(topk_latency_cycles(64, 64, 16, random), 0u);
  EXPECT_EQ(topk_latency_cycles(0, 0, 16, random), 0u);
}

}  // namespace
}  // namespace spatten::algo

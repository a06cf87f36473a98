// SPDX-License-Identifier: Apache-2.0
// One suite for every top-k: the paper's quick-select (algo) and the SIMD one on each instruction set (kernels).
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>

#include "spatten/algo/topk.h"
#include "spatten/kernels/target.h"
#include "spatten/kernels/topk.h"

namespace spatten {
namespace {

using Indices = std::vector<std::uint32_t>;

struct Implementation {
  std::string name;
  std::function<Indices(const std::vector<float>&, std::size_t)> select;
};

std::vector<Implementation> implementations() {
  std::vector<Implementation> out;
  out.push_back({"QuickSelect", [](const std::vector<float>& v, std::size_t k) { return algo::top_k_indices(v, k); }});
  for (const std::string& target : kernels::available_targets()) {
    out.push_back({"Simd" + target, [target](const std::vector<float>& v, std::size_t k) {
                     kernels::force_target(target);
                     Indices kept;
                     kernels::top_k(v, k, kept);
                     kernels::force_target("");
                     return kept;
                   }});
  }
  return out;
}

/// By definition: sort by value, ties by index, take k, put back in order. NaN counts as -inf.
Indices by_sorting(const std::vector<float>& v, std::size_t k) {
  Indices order(v.size());
  std::iota(order.begin(), order.end(), 0u);
  const auto key = [&](std::uint32_t i) { return v[i] == v[i] ? v[i] : -std::numeric_limits<float>::infinity(); };
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return key(a) > key(b); });
  order.resize(std::min(k, v.size()));
  std::sort(order.begin(), order.end());
  return order;
}

class TopKContract : public testing::TestWithParam<Implementation> {
 protected:
  Indices select(const std::vector<float>& v, std::size_t k) { return GetParam().select(v, k); }
};

TEST_P(TopKContract, KeepsFigure9OfThePaper) {
  EXPECT_EQ(select({0.6f, 0.1f, 0.5f, 1.2f, 0.6f}, 3), (Indices{0, 3, 4}));
}

TEST_P(TopKContract, KeepsTiesOfLowerIndex) {
  EXPECT_EQ(select({2, 1, 2, 2, 1}, 2), (Indices{0, 2}));
  EXPECT_EQ(select(std::vector<float>(100, 0.25f), 3), (Indices{0, 1, 2}));
}

TEST_P(TopKContract, HasAnAnswerAtEveryEdge) {
  EXPECT_EQ(select({}, 0), Indices{});
  EXPECT_EQ(select({}, 5), Indices{});
  EXPECT_EQ(select({1}, 1), Indices{0});
  EXPECT_EQ(select({1, 2}, 0), Indices{});
  EXPECT_EQ(select({1, 2}, 2), (Indices{0, 1}));
  EXPECT_EQ(select({1, 2}, 9), (Indices{0, 1}));
}

TEST_P(TopKContract, EqualsSortingOnManyShapes) {
  Random random(7);
  for (std::size_t n = 1; n < 400; n += 1 + n / 9) {
    for (const std::size_t levels : {std::size_t{2}, std::size_t{7}, std::size_t{1} << 30}) {  // few levels: many ties
      std::vector<float> v(n);
      for (float& x : v) x = static_cast<float>(random.below(levels)) - static_cast<float>(levels / 2);
      for (const std::size_t k : {std::size_t{1}, n / 3, n / 2, n - 1}) {
        EXPECT_EQ(select(v, k), by_sorting(v, k)) << n << " values, " << levels << " levels, k " << k;
      }
    }
  }
}

TEST_P(TopKContract, RanksInfinitiesAndTakesNaNForTheLowest) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> v = {nan, -inf, 3, inf, nan, -1};
  for (std::size_t k = 0; k <= v.size(); ++k) EXPECT_EQ(select(v, k), by_sorting(v, k)) << k;
}

INSTANTIATE_TEST_SUITE_P(Every, TopKContract, testing::ValuesIn(implementations()),
                         [](const auto& implementation) { return implementation.param.name; });

}  // namespace
}  // namespace spatten

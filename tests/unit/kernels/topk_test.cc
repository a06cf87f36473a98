// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/topk.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "support/on_every_target.h"

namespace spatten::kernels {
namespace {

SPATTEN_ON_EVERY_TARGET(TopK);

/// By sorting: larger first, then the lower index; NaN as -inf.
std::vector<std::uint32_t> sorted_top(const std::vector<float>& x, std::size_t k) {
  std::vector<std::uint32_t> order(x.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    const auto value = [&](std::uint32_t i) { return std::isnan(x[i]) ? -INFINITY : x[i]; };
    return value(a) > value(b);
  });
  order.resize(std::min(k, x.size()));
  std::sort(order.begin(), order.end());
  return order;
}

void expect_top(const std::vector<float>& x, std::size_t k) {
  std::vector<std::uint32_t> kept{7, 7};
  top_k(x, k, kept);
  ASSERT_EQ(kept, sorted_top(x, k)) << x.size() << " -> " << k;
}

TEST_P(TopK, KeepsThePapersExample) {
  std::vector<std::uint32_t> kept;
  top_k(std::vector<float>{0.6f, 0.1f, 0.5f, 1.2f, 0.6f}, 3, kept);
  EXPECT_EQ(kept, (std::vector<std::uint32_t>{0, 3, 4}));
}

TEST_P(TopK, EqualsSortingOnRandomValues) {
  Random random(1);
  for (const std::size_t n : {0u, 1u, 2u, 3u, 15u, 16u, 17u, 31u, 33u, 384u, 1025u}) {
    std::vector<float> x(n);
    for (float& v : x) v = static_cast<float>(random.normal());
    for (const std::size_t k : {std::size_t{0}, std::size_t{1}, n / 5, n / 2, n - std::min<std::size_t>(n, 1), n, n + 3}) {
      expect_top(x, k);
    }
  }
}

TEST_P(TopK, KeepsTheLowerIndexOfTies) {
  Random random(2);
  for (const std::size_t n : {5u, 16u, 40u, 300u}) {
    for (int round = 0; round < 20; ++round) {
      std::vector<float> x(n);
      for (float& v : x) v = static_cast<float>(static_cast<int>(random.below(4)) - 2);
      for (std::size_t k = 1; k < n; k += 1 + n / 17) expect_top(x, k);
    }
  }
  expect_top(std::vector<float>(77, 0.25f), 30);
}

TEST_P(TopK, OrdersZerosInfinitiesDenormalsAndNan) {
  constexpr float kInf = std::numeric_limits<float>::infinity(), kTiny = std::numeric_limits<float>::denorm_min();
  const std::vector<float> kinds{0.0f, -0.0f, kTiny, -kTiny, kInf, -kInf, NAN, -NAN, 1e38f, -1e38f, 1.0f, -1.0f};
  Random random(3);
  for (int round = 0; round < 100; ++round) {
    std::vector<float> x(1 + random.below(40));
    for (float& v : x) v = kinds[random.below(kinds.size())];
    for (std::size_t k = 0; k <= x.size(); ++k) expect_top(x, k);
  }
}

TEST_P(TopK, TakesAHundredThousandValues) {
  Random random(4);
  std::vector<float> x(100003);
  for (float& v : x) v = static_cast<float>(random.uniform());
  expect_top(x, 31234);
}

}  // namespace
}  // namespace spatten::kernels

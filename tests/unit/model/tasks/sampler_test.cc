// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/sampler.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "support/error_message.h"

namespace spatten {
namespace {

/// Probabilities 1/8, 5/8, 2/8 at temperature 1.
const std::vector<float> kLogits{std::log(1.0f), std::log(5.0f), std::log(2.0f)};

/// Share of each id in many draws.
std::array<double, 3> shares(const SamplerOptions& options) {
  constexpr int kDraws = 20000;
  Random random(1);
  std::array<double, 3> out{};
  for (int i = 0; i < kDraws; ++i) out.at(static_cast<std::size_t>(sample(kLogits, options, random))) += 1.0 / kDraws;
  return out;
}

// Standard deviation of a share at 20000 draws: at most 0.0036; seven of them below.
constexpr double kNoise = 0.025;

TEST(Sampler, IsGreedyAtTemperatureZero) {
  Random random(1);
  EXPECT_EQ(sample(kLogits, {}, random), 1);
  EXPECT_EQ(random.next(), Random(1).next()) << "no draw was made";
}

TEST(Sampler, TakesTheLowerOfEqualIds) {
  Random random(1);
  const std::vector<float> ties{1, 3, 3, 2, 3};
  EXPECT_EQ(sample(ties, {}, random), 1);
  EXPECT_EQ(sample(ties, {.temperature = 1, .top_k = 1}, random), 1);
}

TEST(Sampler, DrawsByTemperature) {
  const std::array<double, 3> one = shares({.temperature = 1}), half = shares({.temperature = 0.5});
  const double expected_one[] = {1.0 / 8, 5.0 / 8, 2.0 / 8}, expected_half[] = {1.0 / 30, 25.0 / 30, 4.0 / 30};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(one[i], expected_one[i], kNoise);
    EXPECT_NEAR(half[i], expected_half[i], kNoise);
  }
}

TEST(Sampler, WithTopKOneIsGreedy) {
  Random random(1);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(sample(kLogits, {.temperature = 5, .top_k = 1}, random), 1);
}

TEST(Sampler, DrawsAmongTheTopK) {
  const std::array<double, 3> two = shares({.temperature = 1, .top_k = 2});
  EXPECT_EQ(two[0], 0);
  EXPECT_NEAR(two[1], 5.0 / 7, kNoise);
  EXPECT_NEAR(shares({.temperature = 1, .top_k = 100})[0], 1.0 / 8, kNoise);
}

TEST(Sampler, DrawsFromTheSmallestSetThatReachesTopP) {
  EXPECT_NEAR(shares({.temperature = 1, .top_p = 0.6})[1], 1, 1e-9);
  const std::array<double, 3> two = shares({.temperature = 1, .top_p = 0.7});
  EXPECT_EQ(two[0], 0);
  EXPECT_NEAR(two[1], 5.0 / 7, kNoise);
  EXPECT_NEAR(shares({.temperature = 1, .top_p = 0.99})[0], 1.0 / 8, kNoise);
  EXPECT_NEAR(shares({.temperature = 1, .top_p = 1e-9})[1], 1, 1e-9);
}

TEST(Sampler, RepeatsItselfFromASeed) {
  Random a(7), b(7), c(8);
  std::vector<std::int32_t> from_a, from_b, from_c;
  for (int i = 0; i < 100; ++i) {
    from_a.push_back(sample(kLogits, {.temperature = 1}, a));
    from_b.push_back(sample(kLogits, {.temperature = 1}, b));
    from_c.push_back(sample(kLogits, {.temperature = 1}, c));
  }
  EXPECT_EQ(from_a, from_b);
  EXPECT_NE(from_a, from_c);
}

TEST(Sampler, SurvivesLogitsBeyondTheRangeOfExp) {
  Random random(1);
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> far{-infinity, 1e4f, -1e4f};
  for (int i = 0; i < 20; ++i) EXPECT_EQ(sample(far, {.temperature = 1}, random), 1);
  EXPECT_EQ(sample(far, {.temperature = 1e-300}, random), 1);
}

TEST(Sampler, RefusesNan) {
  Random random(1);
  const std::vector<float> bad{1, std::nanf(""), 2};
  EXPECT_EQ(error_message([&] { sample(bad, {}, random); }), "the model gave NaN logits");
}

}  // namespace
}  // namespace spatten

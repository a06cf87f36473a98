// SPDX-License-Identifier: Apache-2.0
// Compiled with -ffp-contract=off, and every fused operation is a std::fma.
#include "spatten/algo/fixed_softmax.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

namespace spatten::algo {
namespace {

constexpr float kLog2E = 1.44269504f;
// ln 2 in two parts: k * kLn2High is exact for |k| < 2^9, since the high part has 15 bits.
constexpr float kLn2High = 0x1.62e4p-1f, kLn2Low = 0x1.7f7d1cp-20f;
constexpr float kSmallest = -87.0f;  // e^-87 is above 2^-126, so nothing below is subnormal

float power_of_two(std::int32_t k) { return std::bit_cast<float>(static_cast<std::uint32_t>(k + 127) << 23); }

}  // namespace

float score_scale(float query_scale, float key_scale, float inverse_sqrt_dim) {
  const double scale = static_cast<double>(query_scale) * static_cast<double>(key_scale) * static_cast<double>(inverse_sqrt_dim);
  return static_cast<float>(std::min(0x1p96, std::max(0x1p-126, scale)));
}

float exp_taylor5(float x) {
  if (!(x >= kSmallest)) return 0.0f;
  const float k = std::nearbyint(x * kLog2E);
  const float r = std::fma(k, -kLn2Low, std::fma(k, -kLn2High, x));
  float sum = 1.0f / 120;
  for (const float coefficient : {1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f}) sum = std::fma(sum, r, coefficient);
  return sum * power_of_two(static_cast<std::int32_t>(k));
}

void softmax12(std::span<const std::int32_t> scores, float scale, std::span<Probability12> probabilities) {
  SPATTEN_CHECK(!scores.empty() && scores.size() == probabilities.size());
  std::vector<float> values(scores.size());
  for (std::size_t j = 0; j < values.size(); ++j) values[j] = static_cast<float>(scores[j]) * scale;
  const float largest = *std::max_element(values.begin(), values.end());

  std::array<float, kSoftmaxLanes> lanes{};
  for (std::size_t j = 0; j < values.size(); ++j) {
    values[j] = exp_taylor5(values[j] - largest);
    lanes[j % kSoftmaxLanes] += values[j];
  }
  const float sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));

  for (std::size_t j = 0; j < values.size(); ++j) {
    const float code = std::nearbyint(values[j] / sum * static_cast<float>(kProbabilityOne));
    probabilities[j] = static_cast<Probability12>(std::min(code, static_cast<float>(kProbabilityOne - 1)));
  }
}

std::uint32_t probability_threshold(double threshold) {
  SPATTEN_CHECK(threshold >= 0 && threshold <= 1);
  return static_cast<std::uint32_t>(std::ceil(threshold * kProbabilityOne));
}

bool needs_lsb12(std::span<const Probability12> probabilities, std::uint32_t threshold) {
  std::uint32_t largest = 0;
  for (const Probability12 probability : probabilities) largest = std::max<std::uint32_t>(largest, probability);
  return largest < threshold;
}

}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "spatten/base/error.h"

namespace spatten {
namespace {

std::int32_t greedy(std::span<const float> logits) {
  return static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

/// Number of leading entries (probabilities in falling order, not normalised) whose sum reaches top_p of the total.
std::size_t nucleus(const std::vector<double>& weights, double top_p) {
  const double goal = top_p * std::accumulate(weights.begin(), weights.end(), 0.0);
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
    if (sum >= goal) return i + 1;
  }
  return weights.size();
}

}  // namespace

std::int32_t sample(std::span<const float> logits, const SamplerOptions& options, Random& random) {
  for (const float x : logits) {
    if (std::isnan(x)) throw Error("the model gave NaN logits");
  }
  if (options.temperature <= 0) return greedy(logits);
  std::vector<std::int32_t> order(logits.size());
  std::iota(order.begin(), order.end(), 0);
  const auto better = [&](std::int32_t a, std::int32_t b) {
    const float la = logits[static_cast<std::size_t>(a)], lb = logits[static_cast<std::size_t>(b)];
    return la != lb ? la > lb : a < b;
  };
  const std::size_t candidates = options.top_k == 0 ? order.size() : std::min(options.top_k, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(candidates), order.end(), better);
  std::vector<double> weights(candidates);
  for (std::size_t i = 0; i < candidates; ++i) {
    weights[i] = std::exp((static_cast<double>(logits[static_cast<std::size_t>(order[i])]) -
                           static_cast<double>(logits[static_cast<std::size_t>(order[0])])) / options.temperature);
  }
  if (options.top_p < 1) weights.resize(nucleus(weights, options.top_p));
  double left = random.uniform() * std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    left -= weights[i];
    if (left < 0) return order[i];
  }
  return order[weights.size() - 1];
}

}  // namespace spatten

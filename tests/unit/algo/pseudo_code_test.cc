// SPDX-License-Identifier: Apache-2.0
// Alg. 2 of the paper, written down once more with sorting and plain loops, against CascadeState fed by the reference
// attention: both must keep the same tokens and heads, layer by layer.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "spatten/algo/cascade.h"
#include "spatten/algo/reference.h"
#include "spatten/base/random.h"

namespace spatten::algo {
namespace {

using Ids = std::vector<std::uint32_t>;
constexpr std::uint32_t kLayers = 5, kHeads = 4, kTokens = 17, kDim = 8;

/// Q, K and V of every (layer, head), random: what a model would have projected for all tokens.
struct Tensors {
  std::vector<std::vector<float>> q, k, v;

  explicit Tensors(std::uint64_t seed) {
    Random random(seed);
    for (auto* list : {&q, &k, &v}) {
      list->resize(kLayers * kHeads);
      for (auto& tensor : *list) {
        tensor.resize(kTokens * kDim);
        for (float& x : tensor) x = static_cast<float>(2 * random.normal());
      }
    }
  }
  static std::vector<float> rows(const std::vector<float>& tensor, const Ids& tokens) {
    std::vector<float> out;
    for (const std::uint32_t t : tokens) out.insert(out.end(), &tensor[t * kDim], &tensor[t * kDim] + kDim);
    return out;
  }
};

struct Survivors {
  std::vector<Ids> tokens, heads;
};

Survivors by_cascade_state(const Policy& policy, const Tensors& in) {
  CascadeState state(policy, {kLayers, kHeads, kDim, 64, false}, std::vector<std::uint8_t>(kTokens, 0));
  Survivors out;
  for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
    const Ids tokens = state.alive_tokens(), heads = state.alive_heads();
    out.tokens.push_back(tokens);
    out.heads.push_back(heads);
    for (const std::uint32_t head : heads) {
      const std::size_t at = layer * kHeads + head;
      const auto q = Tensors::rows(in.q[at], tokens), k = Tensors::rows(in.k[at], tokens),
                 v = Tensors::rows(in.v[at], tokens);
      const std::size_t n = tokens.size();
      const HeadResult result = attend_head(ConstMatrix(q.data(), n, kDim), ConstMatrix(k.data(), n, kDim),
                                            ConstMatrix(v.data(), n, kDim), {.value = policy.value});
      const std::vector<float> sums(result.column_sums.begin(), result.column_sums.end());
      state.observe({.layer = layer,
                     .head = head,
                     .rows = static_cast<std::uint32_t>(n),
                     .keys = tokens,
                     .column_sums = sums,
                     .probe_row = {},
                     .value_norms = {},
                     .out_magnitude = result.out_magnitude});
    }
    state.end_layer(layer);
  }
  return out;
}

/// The ids of the `count` largest scores, in their order.
Ids best(const Ids& ids, const std::vector<double>& scores, std::size_t count) {
  Ids sorted = ids;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return scores[a] > scores[b]; });
  sorted.resize(count);
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

/// One row of attention over `tokens`: probabilities, then E with the `keep` likeliest V.
std::vector<double> row_probabilities(const Tensors& in, std::size_t at, std::uint32_t query, const Ids& tokens) {
  std::vector<double> p;
  double sum = 0;
  for (const std::uint32_t t : tokens) {
    double score = 0;
    for (std::size_t d = 0; d < kDim; ++d) {
      score += static_cast<double>(in.q[at][query * kDim + d]) * static_cast<double>(in.k[at][t * kDim + d]);
    }
    p.push_back(std::exp(score / std::sqrt(static_cast<double>(kDim))));
    sum += p.back();
  }
  for (double& x : p) x /= sum;
  return p;
}

double row_magnitude(const Tensors& in, std::size_t at, const Ids& tokens, const std::vector<double>& p,
                     std::size_t keep) {
  Ids columns(tokens.size());
  std::iota(columns.begin(), columns.end(), 0u);
  double magnitude = 0;
  const Ids kept = best(columns, p, keep);
  for (std::size_t d = 0; d < kDim; ++d) {
    double e = 0;
    for (const std::uint32_t j : kept) e += p[j] * static_cast<double>(in.v[at][tokens[j] * kDim + d]);
    magnitude += std::abs(e);
  }
  return magnitude;
}

Survivors by_pseudo_code(const Tensors& in, const std::vector<std::size_t>& token_counts,
                         const std::vector<std::size_t>& head_counts, double value_ratio) {
  Ids tokens(kTokens), heads(kHeads);
  std::iota(tokens.begin(), tokens.end(), 0u);
  std::iota(heads.begin(), heads.end(), 0u);
  std::vector<double> st(kTokens, 0.0), sh(kHeads, 0.0);
  Survivors out;
  for (std::uint32_t layer = 0; layer < kLayers; ++layer) {
    out.tokens.push_back(tokens);
    out.heads.push_back(heads);
    const auto keep =
        std::max<std::size_t>(1, static_cast<std::size_t>(value_ratio * static_cast<double>(tokens.size())));
    for (const std::uint32_t head : heads) {
      for (const std::uint32_t query : tokens) {
        const std::size_t at = layer * kHeads + head;
        const std::vector<double> p = row_probabilities(in, at, query, tokens);
        for (std::size_t j = 0; j < tokens.size(); ++j) st[tokens[j]] += p[j];
        sh[head] += row_magnitude(in, at, tokens, p, keep);
      }
    }
    if (layer + 1 < kLayers) {
      tokens = best(tokens, st, token_counts[layer + 1]);
      heads = best(heads, sh, head_counts[layer + 1]);
    }
  }
  return out;
}

TEST(PseudoCode, KeepsTheSameTokensAndHeadsAsTheCascade) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const Tensors in(seed);
    Policy policy;
    policy.token.counts = {17, 12, 9, 9, 3};
    policy.head.counts = {4, 4, 3, 2, 1};
    policy.value.keep = 0.5;
    const Survivors got = by_cascade_state(policy, in);
    const Survivors expected = by_pseudo_code(in, {17, 12, 9, 9, 3}, {4, 4, 3, 2, 1}, 0.5);
    EXPECT_EQ(got.tokens, expected.tokens) << "seed " << seed;
    EXPECT_EQ(got.heads, expected.heads) << "seed " << seed;
  }
}

}  // namespace
}  // namespace spatten::algo

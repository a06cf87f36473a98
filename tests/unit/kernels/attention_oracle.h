// SPDX-License-Identifier: Apache-2.0
// One head in scalar double precision, written from the paper and from attention.h alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "spatten/kernels/attention.h"

namespace spatten::kernels {

struct Expected {
  std::vector<std::vector<double>> probabilities, out;  // per query
  std::vector<double> column_sums;
  double magnitude = 0;
  std::vector<bool> flat;          // per query: recomputed
  std::vector<bool> value_used;    // per key
  std::vector<double> margin;      // per query: how close (relative) a decision (theta, top-k) is to a tie
  std::uint64_t score_pairs = 0, value_pairs = 0;
};

/// The `keep` largest, ties to the lower index; `margin` shrinks to the gap between the last kept and the first dropped.
inline std::vector<std::size_t> largest(const std::vector<double>& p, std::size_t keep, double& margin) {
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p[a] > p[b]; });
  if (keep == 0 || keep >= p.size()) return order;
  margin = std::min(margin, 1 - p[order[keep]] / p[order[keep - 1]]);
  order.resize(keep);
  return order;
}

/// k(j, c, with_lsb) and v(j, c) give K and V of key j.
template <class K, class V>
Expected attend(const AttentionTask& task, std::size_t keys, double threshold, const K& k, const V& v) {
  Expected e;
  e.column_sums.assign(keys, 0);
  e.value_used.assign(keys, false);
  for (std::size_t i = 0; i < task.q.rows; ++i) {
    const std::size_t n = task.causal ? std::min(keys, i + task.causal_offset + 1) : keys;
    double margin = 1;
    std::vector<double> p(n);
    const auto softmax = [&](bool with_lsb) {
      for (std::size_t j = 0; j < n; ++j) {
        double score = 0;
        for (std::size_t c = 0; c < task.q.cols; ++c) score += static_cast<double>(task.q(i, c)) * k(j, c, with_lsb);
        p[j] = score * task.scale;
      }
      const double top = *std::max_element(p.begin(), p.end());
      double sum = 0;
      for (double& s : p) sum += s = std::exp(s - top);
      for (double& s : p) s /= sum;
      e.score_pairs += n;
      return 1 / sum;
    };
    const double top = softmax(false);
    const bool flat = top < threshold;
    if (threshold > 0) margin = std::min(margin, std::fabs(top / threshold - 1));
    if (flat) softmax(true);
    e.flat.push_back(flat);
    for (std::size_t j = 0; j < n; ++j) e.column_sums[j] += p[j];
    std::vector<double> out(task.q.cols, 0);
    const std::size_t keep = task.value_keeps.empty() ? task.value_keep : task.value_keeps[i];
    for (const std::size_t j : largest(p, keep, margin)) {
      for (std::size_t c = 0; c < out.size(); ++c) out[c] += p[j] * v(j, c);
      e.value_used[j] = true;
      ++e.value_pairs;
    }
    for (const double o : out) e.magnitude += std::fabs(o);
    p.resize(keys, 0);
    e.probabilities.push_back(p);
    e.out.push_back(out);
    e.margin.push_back(margin);
  }
  return e;
}

}  // namespace spatten::kernels

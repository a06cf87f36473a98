// SPDX-License-Identifier: Apache-2.0
// How the runtime's results are compared with the reference's: counts and choices exactly, numbers within a tolerance that
// follows from the policy's widths.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "support/random_model.h"
#include "support/reference_model.h"

namespace spatten {

struct PolicyCase {
  std::string name, preset;
  std::vector<std::string> overrides;
};

inline void PrintTo(const PolicyCase& c, std::ostream* out) { *out << c.name; }

/// What separates the runtime from the reference.
struct Noise {
  double states = 0;   // largest difference of a hidden state or logit (both are of size 1)
  double scores = 0;   // largest relative difference of a token's or head's score
  double maximum = 0;  // largest relative difference of a row's largest probability
};

/// fp32: sums of some hundred terms of size 1 differ by a few 1e-7 in each of at most 30 matrix products in a row, and
/// LayerNorm divides by about 1: 1e-5 and a margin. Quantized: that same noise moves, now and then, a value across a
/// rounding boundary and so by a whole level of 1 / (2^(bits-1) - 1) of its row's maximum (3 sigma), which one element of
/// D = 32 .. 128 carries into the score and 1 of up to 70 keys into the output. It rarely meets the largest of a row.
inline Noise noise_of(const algo::Policy& policy) {
  const algo::QuantizationPolicy& q = policy.quantization;
  if (!q.enabled()) return {5e-5, 2e-5, 2e-5};
  std::uint32_t bits = 12;
  if (q.query_bits > 0) bits = std::min(bits, q.query_bits);
  if (q.value_bits > 0) bits = std::min(bits, q.value_bits);
  if (q.stored_key_bits() > 0) bits = std::min(bits, q.progressive() ? q.msb_bits : q.stored_key_bits());
  const double level = 3.0 / algo::largest_level(bits);
  return {level / 2, level / 8, 1e-3};
}

/// Whether the reference's decisions were so clear that this noise changes none.
inline bool is_clear(const reference::Margins& m, const Noise& noise, bool quantized) {
  return m.tokens > 2 * noise.scores && m.heads > 2 * noise.scores && m.threshold > 2 * noise.maximum &&
         (quantized || m.values > 2 * noise.scores);
}

inline std::map<std::string, std::uint64_t> by_name(const Work& work) {
  std::map<std::string, std::uint64_t> out;
  Work::each(work, [&](const char* name, std::uint64_t value, const char*, const char*) { out[name] = value; });
  return out;
}

/// Near-ties among quantized probabilities may swap one V for another: the number of those kept is compared, not which.
inline void expect_same_work(const RunReport& report, const reference::Account& expected, const algo::Policy& policy) {
  std::map<std::string, std::uint64_t> ours = by_name(report.work), theirs = by_name(expected.work);
  if (policy.quantized() && policy.value_pruning()) {
    ours.erase("kv_bytes_read");
    theirs.erase("kv_bytes_read");
  }
  EXPECT_EQ(ours, theirs);
  EXPECT_EQ(report.pruning.layer_ops, expected.layer_ops);
  EXPECT_EQ(report.pruning.layer_ops_dense, expected.layer_ops_dense);
}

inline void expect_same_pruning(const RunReport& report, const reference::Account& expected, const Noise& noise) {
  EXPECT_EQ(report.pruning.survivors, expected.survivors);
  EXPECT_EQ(report.pruning.heads, expected.heads);
  ASSERT_EQ(report.pruning.layer_scores.size(), expected.layer_scores.size());
  for (std::size_t l = 0; l < expected.layer_scores.size(); ++l) {
    ASSERT_EQ(report.pruning.layer_scores[l].size(), expected.layer_scores[l].size());
    for (std::size_t t = 0; t < expected.layer_scores[l].size(); ++t) {
      const double score = expected.layer_scores[l][t];
      EXPECT_NEAR(static_cast<double>(report.pruning.layer_scores[l][t]), score, noise.scores * std::abs(score))
          << "layer " << l << ", token " << t;
    }
  }
}

inline double largest_difference(std::span<const float> ours, const reference::Vector& theirs) {
  double largest = 0;
  for (std::size_t c = 0; c < ours.size(); ++c) largest = std::max(largest, std::abs(static_cast<double>(ours[c]) - theirs[c]));
  return largest;
}

}  // namespace spatten

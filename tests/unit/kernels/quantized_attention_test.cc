// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/quantized_attention.h"

#include <algorithm>
#include <utility>

#include "attention_oracle.h"
#include "support/on_every_target.h"

namespace spatten::kernels {
namespace {

SPATTEN_ON_EVERY_TARGET(QuantizedAttention);

constexpr double kClearMargin = 1e-5;

struct Case {
  std::size_t queries, keys, dim;
  int k_bits;  // 0: floats
  bool progressive;
  int v_bits;  // 0: floats
  bool v_lsb = false;
  bool causal = false;
  std::size_t value_keep = 0;
  bool gathered = false;
};

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const int bits : {4, 5, 6, 7, 8, 9, 10, 11, 12}) {
    list.push_back({1, 37, 64, bits, false, bits});
    list.push_back({20, 37, 64, bits, false, bits});
    if (bits % 2 == 0) {
      for (const std::size_t dim : {16u, 32u, 64u, 128u}) {
        list.push_back({1, 50, dim, bits, true, 8});
        list.push_back({21, 50, dim, bits, true, 8, true});
      }
    }
  }
  for (const std::size_t queries : {1u, 30u}) {
    list.push_back({queries, 65, 64, 6, true, 6, false, true, 9});
    list.push_back({queries, 65, 64, 8, true, 0, false, false, 9, true});
    list.push_back({queries, 65, 64, 8, true, 8, false, true, 0, true});
    list.push_back({queries, 400, 64, 6, true, 0, false, false, 100});
    list.push_back({queries, 65, 64, 0, false, 8, false, true, 9, true});
  }
  return list;
}

class Problem {
 public:
  Problem(const Case& c, float spread)
      : case_(c), q_(c.queries, c.dim, 1, 3, spread), v_(stored(), c.dim, 2), out_(c.queries, c.dim, 3),
        k_(stored(), c.dim, 4), k_packed_(c.dim, c.k_bits == 0 ? 8 : c.k_bits, c.progressive), v_packed_(c.dim, c.v_bits == 0 ? 8 : c.v_bits, c.v_lsb),
        lsb_rows_(c.queries, 9), sums_(c.keys, 0.0f) {
    for (std::size_t j = 0; j < stored(); ++j) {
      k_packed_.append_row(std::as_const(k_).view().row(j));
      v_packed_.append_row(v_.view().row(j));
    }
    for (std::size_t j = 0; j < c.keys && c.gathered; ++j) rows_.push_back(static_cast<std::uint32_t>(j * 2));
  }

  QuantizedAttentionHead head() {
    QuantizedAttentionHead h;
    h.q = q_.view();
    h.out = out_.view();
    h.scale = 1 / std::sqrt(static_cast<float>(case_.dim));
    h.causal = case_.causal;
    h.causal_offset = case_.keys - case_.queries;
    h.key_rows = rows_;
    h.column_sums = sums_.data();
    h.value_keep = case_.value_keep;
    h.counters = &counters_;
    if (case_.k_bits != 0) {
      h.k = &k_packed_;
    } else {
      h.k_float = k_.view();
    }
    if (case_.v_bits != 0) {
      h.v_packed = &v_packed_;
    } else {
      h.v = v_.view();
    }
    h.threshold = 0.1f;
    h.lsb_rows = lsb_rows_.data();
    return h;
  }
  Expected expected() {
    const auto row = [&](std::size_t j) { return case_.gathered ? rows_[j] : j; };
    const auto value = [](const PackedRows& rows, std::size_t j, std::size_t c, bool lsb) {
      return static_cast<double>(rows.integer(j, c, lsb)) * rows.scale(j);
    };
    return attend(head(), case_.keys, case_.progressive ? 0.1 : 0.0,
                  [&](std::size_t j, std::size_t c, bool lsb) {
                    return case_.k_bits != 0 ? value(k_packed_, row(j), c, lsb) : static_cast<double>(k_(row(j), c));
                  },
                  [&](std::size_t j, std::size_t c) {
                    return case_.v_bits != 0 ? value(v_packed_, row(j), c, true) : static_cast<double>(v_(row(j), c));
                  });
  }
  /// Returns how many rows were recomputed.
  std::size_t expect_equal(const Expected& e) const {
    std::size_t flat = 0;
    for (std::size_t i = 0; i < case_.queries; ++i) {
      EXPECT_GT(e.margin[i], kClearMargin) << "choose another seed: a decision of this row is a tie";
      EXPECT_EQ(lsb_rows_[i] != 0, e.flat[i]);
      flat += e.flat[i] ? 1 : 0;
      for (std::size_t c = 0; c < case_.dim; ++c) EXPECT_NEAR(out_(i, c), e.out[i][c], 1e-5);
    }
    for (std::size_t j = 0; j < case_.keys; ++j) EXPECT_NEAR(sums_[j], e.column_sums[j], 1e-5 * (1 + e.column_sums[j]));
    EXPECT_EQ(counters_.lsb_rows, flat);
    EXPECT_EQ(counters_.score_multiply_adds, e.score_pairs * case_.dim);
    EXPECT_EQ(counters_.value_multiply_adds, e.value_pairs * case_.dim);
    const std::size_t k_row = case_.k_bits == 0
                                  ? case_.dim * sizeof(float)
                                  : k_packed_.msb_bytes_per_row() + (flat > 0 ? k_packed_.lsb_bytes_per_row() : 0);
    EXPECT_EQ(counters_.k_bytes, case_.keys * k_row);
    const auto used = static_cast<std::size_t>(std::count(e.value_used.begin(), e.value_used.end(), true));
    const std::size_t v_row =
        case_.v_bits == 0 ? case_.dim * sizeof(float) : v_packed_.msb_bytes_per_row() + v_packed_.lsb_bytes_per_row();
    EXPECT_EQ(counters_.v_bytes, used * v_row);
    return flat;
  }

 private:
  std::size_t stored() const { return case_.gathered ? case_.keys * 2 : case_.keys; }

  Case case_;
  Sample q_, v_, out_, k_;
  PackedRows k_packed_, v_packed_;
  std::vector<std::uint8_t> lsb_rows_;
  std::vector<float> sums_;
  std::vector<std::uint32_t> rows_;
  AttentionCounters counters_;
};

TEST_P(QuantizedAttention, EqualsThePaperInDoublePrecision) {
  AttentionScratch scratch;
  std::size_t flat = 0, peaked = 0;
  for (const Case& c : cases()) {
    for (const float spread : {0.5f, 3.0f}) {
      SCOPED_TRACE(testing::Message() << c.queries << " queries, " << c.keys << " keys, D " << c.dim << ", K " << c.k_bits
                                      << (c.progressive ? "+4" : "") << ", V " << c.v_bits << ", keep " << c.value_keep
                                      << ", spread " << spread);
      Problem problem(c, spread);
      attention_head(problem.head(), scratch);
      const std::size_t found = problem.expect_equal(problem.expected());
      flat += found;
      peaked += c.queries - found;
    }
  }
  EXPECT_GT(flat, 20u);  // both branches were taken
  EXPECT_GT(peaked, 20u);
}

TEST_P(QuantizedAttention, ReadsNoLowBitsWhenEveryRowIsPeaked) {
  for (const std::size_t queries : {1u, 4u}) {
    Problem problem({queries, 30, 64, 8, true, 8}, 0.5f);
    QuantizedAttentionHead head = problem.head();
    head.threshold = 1e-6f;
    AttentionScratch scratch;
    attention_head(head, scratch);
    EXPECT_EQ(head.counters->lsb_rows, 0u);
    EXPECT_EQ(head.counters->k_bytes, 30u * 64);
  }
}

TEST_P(QuantizedAttention, RecomputesOnlyBelowTheThresholdNotAtIt) {
  // Four equal keys: every probability is exactly 1/4.
  PackedRows k(16, 4, true), v(16, 8, false);
  const std::vector<float> same(16, 1.0f);
  for (int j = 0; j < 4; ++j) {
    k.append_row(same.data());
    v.append_row(same.data());
  }
  for (const std::size_t queries : {1u, 2u}) {
    Sample q(queries, 16, 1), out(queries, 16, 2);
    std::vector<std::uint8_t> rows(queries);
    AttentionScratch scratch;
    QuantizedAttentionHead head;
    head.q = q.view();
    head.out = out.view();
    head.k = &k;
    head.v_packed = &v;
    head.lsb_rows = rows.data();
    head.threshold = 0.25f;
    attention_head(head, scratch);
    EXPECT_EQ(rows[0], 0);
    head.threshold = std::nextafter(0.25f, 1.0f);
    attention_head(head, scratch);
    EXPECT_EQ(rows[0], 1);
  }
}

}  // namespace
}  // namespace spatten::kernels

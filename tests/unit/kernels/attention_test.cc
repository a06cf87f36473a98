// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/attention.h"

#include <algorithm>

#include "attention_oracle.h"
#include "support/on_every_target.h"

namespace spatten::kernels {
namespace {

SPATTEN_ON_EVERY_TARGET(Attention);

// Below this gap float and double may order two probabilities differently; rows with such a tie are not compared.
constexpr double kClearMargin = 1e-5;

struct Case {
  std::size_t queries, keys, dim;
  bool causal = false;
  std::size_t offset = 0, value_keep = 0;
  bool gathered = false;
  bool keep_by_query = false;  // value_keep + query modulo 5
};

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const std::size_t dim : {16u, 32u, 48u, 64u, 80u, 128u}) {
    for (const std::size_t n : {1u, 2u, 7u, 40u}) list.push_back({n, n + 3, dim});
  }
  for (const std::size_t n : {1u, 5u, 15u, 16u, 17u, 63u, 64u, 65u, 129u, 384u}) list.push_back({n, n, 64});
  list.push_back({13, 1025, 64});
  list.push_back({1, 1025, 64});
  for (const std::size_t keep : {1u, 3u, 20u, 70u, 71u, 500u}) {
    for (const std::size_t queries : {1u, 2u, 50u}) {
      list.push_back({queries, 71, 64, false, 0, keep});
      list.push_back({queries, 71, 32, true, 71 - queries, keep, true});
      list.push_back({queries, 71, 128, true, 0, keep});
    }
  }
  list.push_back({1, 71, 64, false, 0, 7, false, true});
  list.push_back({60, 71, 64, true, 11, 7, false, true});
  for (const std::size_t offset : {0u, 1u, 30u, 100u}) list.push_back({70, 90, 64, true, offset, 0, offset == 30});
  for (const std::size_t queries : {1u, 9u}) list.push_back({queries, 33, 64, false, 0, 0, true});
  return list;
}

class Problem {
 public:
  Problem(const Case& c, std::uint64_t seed)
      : case_(c), q_(c.queries, c.dim, seed), k_(stored(), c.dim, seed + 1, 5), v_(stored(), c.dim, seed + 2, 1),
        out_(c.queries, c.dim, seed + 3), sums_(c.keys, 1.0f), probe_(c.keys, -1.0f) {
    for (std::size_t j = 0; j < c.keys && c.gathered; ++j) rows_.push_back(static_cast<std::uint32_t>((j * 7 + 2) % stored()));
    for (std::size_t i = 0; i < c.queries && c.keep_by_query; ++i) keeps_.push_back(static_cast<std::uint32_t>(c.value_keep + i % 5));
  }

  AttentionHead head() {
    AttentionHead h;
    h.q = q_.view();
    h.k = k_.view();
    h.v = v_.view();
    h.out = out_.view();
    h.scale = 1 / std::sqrt(static_cast<float>(case_.dim)) * 2;
    h.causal = case_.causal;
    h.causal_offset = case_.offset;
    h.key_rows = rows_;
    h.column_sums = sums_.data();
    h.probe_row = case_.queries / 2;
    h.probe_probabilities = probe_.data();
    h.value_keep = case_.keep_by_query ? 1 : case_.value_keep;
    h.value_keeps = keeps_;
    h.magnitude = &magnitude_;
    h.counters = &counters_;
    return h;
  }
  Expected expected() {
    const auto row = [&](std::size_t j) { return case_.gathered ? rows_[j] : j; };
    return attend(head(), case_.keys, 0, [&](std::size_t j, std::size_t c, bool) { return k_(row(j), c); },
                  [&](std::size_t j, std::size_t c) { return v_(row(j), c); });
  }
  void expect_equal(const Expected& e) const {
    EXPECT_TRUE(out_.gaps_untouched());
    bool all_clear = true;
    for (std::size_t i = 0; i < case_.queries; ++i) {
      all_clear = all_clear && e.margin[i] > kClearMargin;
      for (std::size_t c = 0; c < case_.dim && e.margin[i] > kClearMargin; ++c) ASSERT_NEAR(out_(i, c), e.out[i][c], 5e-6);
    }
    for (std::size_t j = 0; j < case_.keys; ++j) {
      ASSERT_NEAR(sums_[j], 1 + e.column_sums[j], 4e-6 * (1 + e.column_sums[j]));
      ASSERT_NEAR(probe_[j], e.probabilities[case_.queries / 2][j], 2e-6);
    }
    ASSERT_NEAR(magnitude_, 3 + e.magnitude, all_clear ? 1e-5 * (3 + e.magnitude) : 1e-2 * (3 + e.magnitude));
    EXPECT_EQ(counters_.score_multiply_adds, e.score_pairs * case_.dim);
    EXPECT_EQ(counters_.value_multiply_adds, e.value_pairs * case_.dim);
    EXPECT_EQ(counters_.rows, case_.queries);
    EXPECT_EQ(counters_.lsb_rows, 0u);
    const std::size_t seen = case_.causal ? std::min(case_.keys, case_.queries + case_.offset) : case_.keys;
    EXPECT_EQ(counters_.k_bytes, seen * case_.dim * sizeof(float));
    if (!all_clear) return;
    const auto used = static_cast<std::size_t>(std::count(e.value_used.begin(), e.value_used.end(), true));
    EXPECT_EQ(counters_.v_bytes, used * case_.dim * sizeof(float));
  }
  const Sample& out() const { return out_; }

 private:
  std::size_t stored() const { return case_.gathered ? case_.keys * 2 + 1 : case_.keys; }

  Case case_;
  Sample q_, k_, v_, out_;
  std::vector<float> sums_, probe_;
  std::vector<std::uint32_t> rows_, keeps_;
  float magnitude_ = 3;
  AttentionCounters counters_;
};

TEST_P(Attention, EqualsThePaperInDoublePrecision) {
  AttentionScratch scratch;  // one for all shapes: nothing may remain from the last call
  for (const Case& c : cases()) {
    SCOPED_TRACE(testing::Message() << c.queries << " queries, " << c.keys << " keys, D " << c.dim << (c.causal ? ", causal +" : ", +")
                                    << c.offset << ", keep " << c.value_keep << (c.gathered ? ", gathered" : ""));
    Problem problem(c, c.queries + c.keys);
    attention_head(problem.head(), scratch);
    problem.expect_equal(problem.expected());
  }
}

TEST_P(Attention, GivesARowTheSameBitsBesideAnyOtherRows) {
  for (const std::size_t keep : {0u, 30u}) {
    for (const bool causal : {false, true}) {
      Problem problem({130, 140, 64, causal, 10, keep}, 5);
      AttentionScratch scratch;
      AttentionHead head = problem.head();
      attention_head(head, scratch);
      for (const std::size_t first : {0u, 1u, 47u, 48u, 101u}) {
        for (const std::size_t count : {2u, 3u, 6u, 7u, 20u}) {
          Sample some(count, 64, 1, 0);
          AttentionHead part = head;
          part.q = head.q.rows_from(first, count);
          part.out = some.view();
          part.causal_offset = 10 + first;
          part.column_sums = part.probe_probabilities = nullptr;
          attention_head(part, scratch);
          for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t c = 0; c < 64; ++c) ASSERT_EQ(some(i, c), problem.out()(first + i, c)) << first << ' ' << count;
          }
        }
      }
    }
  }
}

TEST_P(Attention, KeepsTheLowerIndexOfEqualProbabilities) {
  for (const std::size_t queries : {1u, 3u}) {
    Sample q(queries, 16, 1), k(40, 16, 2), v(40, 16, 3), out(queries, 16, 4);
    for (std::size_t j = 0; j < 40; ++j) {
      for (std::size_t c = 0; c < 16; ++c) {
        k(j, c) = 0;
        v(j, c) = j < 5 ? 1.0f : 100.0f;
      }
    }
    AttentionScratch scratch;
    AttentionHead head;
    head.q = q.view();
    head.k = k.view();
    head.v = v.view();
    head.out = out.view();
    head.value_keep = 5;
    attention_head(head, scratch);
    for (std::size_t i = 0; i < queries; ++i) EXPECT_NEAR(out(i, 0), 5.0 / 40, 1e-6);
  }
}

TEST_P(Attention, RefusesShapesThatDoNotFit) {
  Sample q(2, 16, 1), k(4, 16, 2), odd(4, 15, 2), out(2, 16, 3), none(0, 16, 1);
  AttentionScratch scratch;
  AttentionHead head;
  head.q = q.view();
  head.k = head.v = k.view();
  head.out = out.view();
  EXPECT_NO_THROW(attention_head(head, scratch));
  AttentionHead bad = head;
  bad.v = odd.view();
  EXPECT_THROW(attention_head(bad, scratch), Bug);
  bad = head;
  bad.k = bad.v = none.view();
  EXPECT_THROW(attention_head(bad, scratch), Bug);
  bad = head;
  const std::vector<std::uint32_t> rows{4};
  bad.key_rows = rows;
  EXPECT_THROW(attention_head(bad, scratch), Bug);
  bad = head;
  bad.value_keeps = rows;  // one for two queries
  EXPECT_THROW(attention_head(bad, scratch), Bug);
}

}  // namespace
}  // namespace spatten::kernels

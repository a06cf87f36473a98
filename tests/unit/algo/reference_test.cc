// SPDX-License-Identifier: Apache-2.0
// The reference attention against what can be worked out by hand, and against itself where two settings must agree.
#include "spatten/algo/reference.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "spatten/algo/quantizer.h"
#include "spatten/base/random.h"

namespace spatten::algo {
namespace {

using testing::ElementsAre;

struct Inputs {
  std::size_t rows, keys, dim;
  std::vector<float> q_data, k_data, v_data;

  Inputs(std::size_t r, std::size_t n, std::size_t d, std::uint64_t seed)
      : rows(r), keys(n), dim(d), q_data(r * d), k_data(n * d), v_data(n * d) {
    Random random(seed);
    for (std::vector<float>* data : {&q_data, &k_data, &v_data}) {
      for (float& x : *data) x = static_cast<float>(random.normal());
    }
  }
  ConstMatrix q() const { return {q_data.data(), rows, dim}; }
  ConstMatrix k() const { return {k_data.data(), keys, dim}; }
  ConstMatrix v() const { return {v_data.data(), keys, dim}; }
};

AttentionSetting progressive(std::uint32_t msb, double threshold) {
  AttentionSetting s;
  s.quantization.msb_bits = msb;
  s.quantization.threshold = threshold;
  return s;
}

TEST(Reference, ComputesAHandSizedExample) {
  const std::vector<float> q{2, 0, 0, 0}, k{std::log(3.0f), 0, 0, 0, 0, 0, 0, 0}, v{1, 2, 3, 4, 5, 6, 7, 8};
  // Scores q.k / sqrt(4) = ln 3 and 0: probabilities 3/4 and 1/4.
  const RowResult row = attend_row(q, ConstMatrix(k.data(), 2, 4), ConstMatrix(v.data(), 2, 4), {});
  EXPECT_NEAR(row.probabilities[0], 0.75, 1e-7);
  EXPECT_NEAR(row.probabilities[1], 0.25, 1e-7);
  for (std::size_t d = 0; d < 4; ++d) EXPECT_NEAR(row.out[d], static_cast<double>(d) + 2, 1e-6);
  EXPECT_THAT(row.kept_values, ElementsAre(0u, 1u));
  EXPECT_FALSE(row.used_lsb);
}

TEST(Reference, DropsValuesWithoutRenormalisingAndStillCountsTheirProbabilities) {
  const std::vector<float> q{2, 0, 0, 0}, k{std::log(3.0f), 0, 0, 0, 0, 0, 0, 0}, v{1, 2, 3, 4, 5, 6, 7, 8};
  AttentionSetting setting;
  setting.value.keep = 0.5;
  const HeadResult head =
      attend_head(ConstMatrix(q.data(), 1, 4), ConstMatrix(k.data(), 2, 4), ConstMatrix(v.data(), 2, 4), setting);
  EXPECT_THAT(head.rows[0].kept_values, ElementsAre(0u));
  for (std::size_t d = 0; d < 4; ++d) EXPECT_NEAR(head.rows[0].out[d], 0.75 * static_cast<double>(d + 1), 1e-6);
  EXPECT_NEAR(head.column_sums[1], 0.25, 1e-7);
  EXPECT_NEAR(head.out_magnitude, 7.5, 1e-6);
}

TEST(Reference, OneKeyGetsEverything) {
  const Inputs in(1, 1, 8, 1);
  const RowResult row = attend_row(in.q().row_span(0), in.k(), in.v(), {});
  EXPECT_THAT(row.probabilities, ElementsAre(1.0));
  for (std::size_t d = 0; d < 8; ++d) EXPECT_EQ(row.out[d], static_cast<double>(in.v()(0, d)));
}

TEST(Reference, SurvivesScoresThatOverflowExp) {
  const std::vector<float> q{100, 0, 0, 0}, k{100, 0, 0, 0, -100, 0, 0, 0}, v{1, 0, 0, 0, 2, 0, 0, 0};
  const RowResult row = attend_row(q, ConstMatrix(k.data(), 2, 4), ConstMatrix(v.data(), 2, 4), {});
  EXPECT_EQ(row.probabilities[0], 1.0);
  EXPECT_EQ(row.out[0], 1.0);
}

TEST(Reference, ProbabilitiesOfEveryRowSumToOne) {
  const Inputs in(7, 9, 16, 2);
  AttentionSetting setting = progressive(6, 0.2);
  setting.causal = true;
  setting.value.keep = 0.3;
  const HeadResult head = attend_head(in.q(), in.k(), in.v(), setting);
  double total = 0;
  for (const double sum : head.column_sums) total += sum;
  EXPECT_NEAR(total, 7.0, 1e-12);
}

TEST(Reference, ACausalRowEqualsDecodingItsPrefix) {
  const Inputs in(10, 10, 16, 3);
  AttentionSetting setting = progressive(4, 0.3);
  setting.quantization.query_bits = 12;
  setting.quantization.value_bits = 6;
  setting.value.keep = 0.4;
  setting.causal = true;
  const HeadResult head = attend_head(in.q(), in.k(), in.v(), setting);
  for (std::size_t row = 0; row < 10; ++row) {
    const RowResult alone =
        attend_row(in.q().row_span(row), in.k().rows_from(0, row + 1), in.v().rows_from(0, row + 1), setting);
    EXPECT_EQ(alone.probabilities, head.rows[row].probabilities);
    EXPECT_EQ(alone.kept_values, head.rows[row].kept_values);
    EXPECT_EQ(alone.out, head.rows[row].out);
    EXPECT_EQ(alone.used_lsb, head.rows[row].used_lsb);
  }
}

TEST(Reference, FewQueriesMeetTheNewestKeys) {
  const Inputs in(2, 5, 8, 4);
  AttentionSetting setting;
  setting.causal = true;
  const HeadResult head = attend_head(in.q(), in.k(), in.v(), setting);
  EXPECT_EQ(head.rows[0].probabilities.size(), 4u);
  EXPECT_EQ(head.rows[1].probabilities.size(), 5u);
}

TEST(Progressive, ThresholdZeroNeverReadsTheLowBits) {
  const Inputs in(6, 12, 16, 5);
  const HeadResult head = attend_head(in.q(), in.k(), in.v(), progressive(4, 0));
  for (const RowResult& row : head.rows) EXPECT_FALSE(row.used_lsb);
}

TEST(Progressive, ThresholdOneEqualsTheStaticFullWidth) {
  const Inputs in(6, 12, 16, 6);
  for (const std::uint32_t msb : {4u, 6u, 8u}) {
    const HeadResult head = attend_head(in.q(), in.k(), in.v(), progressive(msb, 1));
    AttentionSetting full;
    full.quantization.key_bits = msb + 4;
    const HeadResult expected = attend_head(in.q(), in.k(), in.v(), full);
    for (std::size_t r = 0; r < 6; ++r) {
      EXPECT_TRUE(head.rows[r].used_lsb);
      EXPECT_EQ(head.rows[r].out, expected.rows[r].out);
    }
    EXPECT_EQ(head.column_sums, expected.column_sums);  // rejected probabilities count nowhere
  }
}

TEST(Progressive, OnlyFlatRowsReadTheLowBits) {
  // The first query points at one key, the second at none.
  std::vector<float> k(8 * 16, 0.0f), v(8 * 16, 1.0f), q(2 * 16, 0.0f);
  for (std::size_t j = 0; j < 8; ++j) k[j * 16 + j] = 4.0f;
  q[3] = 8.0f;
  const HeadResult head = attend_head(ConstMatrix(q.data(), 2, 16), ConstMatrix(k.data(), 8, 16),
                                      ConstMatrix(v.data(), 8, 16), progressive(4, 0.5));
  EXPECT_FALSE(head.rows[0].used_lsb);
  EXPECT_TRUE(head.rows[1].used_lsb);
}

TEST(Quantization, MoreBitsComeCloserToFloat) {
  const Inputs in(8, 20, 32, 7);
  const HeadResult exact = attend_head(in.q(), in.k(), in.v(), {});
  const auto error = [&](std::uint32_t bits) {
    AttentionSetting setting;
    setting.quantization = {.query_bits = bits, .key_bits = bits, .value_bits = bits};
    const HeadResult head = attend_head(in.q(), in.k(), in.v(), setting);
    double sum = 0;
    for (std::size_t r = 0; r < 8; ++r) {
      for (std::size_t d = 0; d < 32; ++d) sum += std::abs(head.rows[r].out[d] - exact.rows[r].out[d]);
    }
    return sum / (8 * 32);
  };
  EXPECT_LT(error(6), error(4));
  EXPECT_LT(error(8), error(6));
  EXPECT_LT(error(12), error(8));
  EXPECT_LT(error(12), 2e-3);  // scale 3 / 2047 per element
}

TEST(Quantization, TensorGranularityUsesTheLargestRow) {
  Inputs in(1, 2, 4, 8);
  in.v_data = {100, 0, 0, 0, 0.3f, 0, 0, 0};
  in.k_data.assign(8, 0.0f);  // equal probabilities
  AttentionSetting setting;
  setting.quantization.value_bits = 8;
  const double by_row = attend_head(in.q(), in.k(), in.v(), setting).rows[0].out[0];
  setting.quantization.granularity = Granularity::kTensor;
  const double by_tensor = attend_head(in.q(), in.k(), in.v(), setting).rows[0].out[0];
  EXPECT_NEAR(by_row, 50.15, 1e-4);
  EXPECT_NEAR(by_tensor, 50.0, 1e-4);  // 0.3 is less than half of 100 / 127
}

TEST(Reference, RefusesShapesThatDoNotMeet) {
  const Inputs in(3, 2, 4, 9);
  AttentionSetting causal;
  causal.causal = true;
  EXPECT_THROW(attend_head(in.q(), in.k(), in.v(), causal), Bug);
  EXPECT_THROW(attend_head(in.q(), in.k(), in.v().rows_from(0, 1), {}), Bug);
}

}  // namespace
}  // namespace spatten::algo

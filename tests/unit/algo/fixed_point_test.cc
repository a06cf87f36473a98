// SPDX-License-Identifier: Apache-2.0
// The pieces of the chip's arithmetic, on numbers that can be checked by hand, and against their slow definitions.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "spatten/algo/fixed_attention.h"
#include "spatten/algo/fixed_softmax.h"
#include "spatten/algo/progressive.h"
#include "spatten/algo/quantizer.h"
#include "spatten/algo/reference.h"
#include "spatten/base/random.h"

namespace spatten::algo {
namespace {

using testing::Each;
using testing::ElementsAre;

TEST(FixedPoint, NarrowLevelsAreLeftAlignedAndWideOnesLoseTheirLowestBits) {
  EXPECT_EQ(align12(7, 4), 0x700);
  EXPECT_EQ(align12(-7, 4), -0x700);
  EXPECT_EQ(align12(-2047, 12), -2047);
  EXPECT_EQ(align12(-32767, 16), -2048);  // arithmetic shift: towards minus infinity
  EXPECT_EQ(align12(15, 16), 0);
}

TEST(FixedPoint, MergingTheLowBitsIsConcatenationForEverySplitAndLevel) {
  for (const BitSplit split : kBitSplits) {
    const std::uint32_t bits = split.msb_bits + split.lsb_bits;
    for (std::int32_t level = -largest_level(bits); level <= largest_level(bits); ++level) {
      const Fixed12 msb = align12(msb_part(level, 4), split.msb_bits);
      ASSERT_EQ(merge_lsb(msb, lsb_part(level, 4), split.msb_bits), align12(level, bits)) << split.msb_bits << " " << level;
      if (bits > kChipBits) continue;
      ASSERT_EQ(msb, align12(msb_level(level, 4), bits)) << split.msb_bits << " " << level;
    }
  }
}

TEST(FixedPoint, ShiftsRoundToNearestWithHalvesUp) {
  EXPECT_EQ(round_shift(2047, 12), 0);
  EXPECT_EQ(round_shift(2048, 12), 1);
  EXPECT_EQ(round_shift(-2048, 12), 0);
  EXPECT_EQ(round_shift(-2049, 12), -1);
  EXPECT_EQ(round_shift(-5, 0), -5);
}

TEST(FixedPoint, SaturationIsSymmetric) {
  EXPECT_EQ(saturate12(2048), 2047);
  EXPECT_EQ(saturate12(-2048), -2047);
  EXPECT_EQ(saturate12(-17), -17);
}

TEST(FixedPoint, LevelsAreThoseOfTheQuantizerAtEveryWidth) {
  Random random(3);
  OwnedMatrix<float> m(7, 33);
  for (std::size_t i = 0; i < 7 * 33; ++i) m.data()[i] = static_cast<float>(random.normal());
  m(2, 5) = 0.5f * largest_magnitude(m.view().row_span(2));  // a tie at odd limits
  for (std::uint32_t bits = 4; bits <= 12; ++bits) {
    for (const Granularity granularity : {Granularity::kRow, Granularity::kTensor}) {
      const FixedMatrix fixed = to_fixed(m.view(), bits, granularity);
      const QuantizedMatrix levels = quantize(m.view(), bits, granularity);
      ASSERT_EQ(fixed.scales.size(), granularity == Granularity::kRow ? 7u : 1u);
      for (std::size_t r = 0; r < 7; ++r) {
        for (std::size_t c = 0; c < 33; ++c) {
          ASSERT_EQ(fixed.row(r)[c], align12(levels.level(r, c), bits));
          ASSERT_EQ(static_cast<float>(fixed.row(r)[c]) * fixed.scale(r), levels.value(r, c));
        }
      }
    }
  }
}

TEST(FixedPoint, ChosenRowsKeepTheScaleOfTheWholeTensor) {
  const std::vector<float> data{1, 0, 100, 0, 2, 0};
  const std::vector<std::uint32_t> chosen{2, 0};
  const FixedMatrix m = to_fixed(ConstMatrix(data.data(), 3, 2), 12, Granularity::kTensor, chosen);
  EXPECT_EQ(m.rows, 2u);
  EXPECT_THAT(m.values, ElementsAre(41, 0, 20, 0));  // 2 and 1, times 2047 / 100
}

TEST(FixedPoint, NonFiniteAndTinyInputsStayInRange) {
  const std::vector<float> data{NAN, INFINITY, -INFINITY, 1, 1e-40f, 0, -0.0f, 3};
  for (const std::uint32_t bits : {4u, 12u}) {
    for (const Granularity granularity : {Granularity::kRow, Granularity::kTensor}) {
      for (const Fixed12 x : to_fixed(ConstMatrix(data.data(), 4, 2), bits, granularity).values) {
        EXPECT_GE(x, -2047);
        EXPECT_LE(x, 2047);
      }
    }
  }
}

TEST(FixedPoint, TheChipGivesTwelveBitsToWhatThePolicyLeavesInFloatingPoint) {
  QuantizationPolicy q = chip_quantization({});
  EXPECT_THAT((std::vector{q.query_bits, q.stored_key_bits(), q.value_bits}), Each(12u));
  EXPECT_FALSE(q.progressive());
  QuantizationPolicy progressive;
  progressive.msb_bits = 6;
  progressive.value_bits = 6;
  q = chip_quantization(progressive);
  EXPECT_EQ(q.stored_key_bits(), 10u);
  EXPECT_EQ(q.value_bits, 6u);
  EXPECT_EQ(q.query_bits, 12u);
}

// ---------------------------------------------------------------- softmax

TEST(FixedSoftmax, FifthOrderTaylorStaysWithinItsBound) {
  double worst = 0;
  for (float x = 0; x > -87; x -= 0.0037f) {
    const double exact = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::abs(static_cast<double>(exp_taylor5(x)) - exact) / exact);
  }
  EXPECT_LT(worst, 3.6e-6);  // (ln2 / 2)^6 / 720 = 2.4e-6 of e^-(ln2 / 2) = 0.71, then six roundings of 6e-8
  EXPECT_GT(worst, 3e-6);    // and no better: the order is the chip's
  EXPECT_EQ(exp_taylor5(0), 1.0f);
  EXPECT_EQ(exp_taylor5(-87.1f), 0.0f);
  EXPECT_EQ(exp_taylor5(-std::numeric_limits<float>::infinity()), 0.0f);
}

std::vector<Probability12> probabilities_of(const std::vector<std::int32_t>& scores, float scale) {
  std::vector<Probability12> out(scores.size());
  softmax12(scores, scale, out);
  return out;
}

TEST(FixedSoftmax, EqualScoresShareOneAndASingleKeySaturates) {
  EXPECT_THAT(probabilities_of(std::vector<std::int32_t>(8, -12345), 0.01f), Each(512));
  EXPECT_THAT(probabilities_of({1 << 28}, 1e-3f), ElementsAre(4095));
  EXPECT_THAT(probabilities_of({0, 2000000}, 1.0f), ElementsAre(0, 4095));
}

TEST(FixedSoftmax, IsWithinHalfACodeOfDoublePrecision) {
  Random random(5);
  for (const std::size_t n : {2u, 7u, 8u, 9u, 100u, 1000u}) {
    std::vector<std::int32_t> scores(n);
    for (std::int32_t& s : scores) s = static_cast<std::int32_t>(random.below(2000000)) - 1000000;
    const std::vector<Probability12> p = probabilities_of(scores, 4e-6f);
    double sum = 0;
    for (const std::int32_t s : scores) sum += std::exp(s * static_cast<double>(4e-6f));
    for (std::size_t j = 0; j < n; ++j) {
      // Half a code of rounding; the rest is the series and fp32: below 1e-5 of 4096.
      EXPECT_NEAR(p[j], std::exp(scores[j] * static_cast<double>(4e-6f)) / sum * 4096, 0.5 + 0.04);
    }
  }
}

TEST(FixedSoftmax, ExtremeScalesGiveProbabilitiesAndNoNan) {
  const float tiny = score_scale(1e-38f, 1e-38f, 0.125f), huge = score_scale(3e38f, 3e38f, 1.0f);
  EXPECT_EQ(tiny, 0x1p-126f);
  EXPECT_EQ(huge, 0x1p96f);
  EXPECT_EQ(score_scale(INFINITY, 1.0f, 1.0f), 0x1p96f);
  const std::int32_t largest = 512 * 2047 * 2047;
  EXPECT_THAT(probabilities_of({largest, -largest}, tiny), ElementsAre(2048, 2048));
  EXPECT_THAT(probabilities_of({largest, -largest}, huge), ElementsAre(4095, 0));
}

TEST(FixedSoftmax, ThresholdIsStrictlyAboveEveryProbability) {
  EXPECT_EQ(probability_threshold(0), 0u);
  EXPECT_EQ(probability_threshold(0.1), 410u);  // 409 / 4096 is below 0.1, 410 / 4096 is not
  EXPECT_EQ(probability_threshold(0.125), 512u);
  EXPECT_EQ(probability_threshold(1), 4096u);
  const std::vector<Probability12> row{3, 511, 12};
  EXPECT_TRUE(needs_lsb12(row, 512));
  EXPECT_FALSE(needs_lsb12(row, 511));
  EXPECT_FALSE(needs_lsb12(row, 0));
}

// ---------------------------------------------------------------- attention

TEST(FixedAttention, SumsOfTheWidestHeadFitInThirtyTwoBits) {
  const std::vector<Fixed12> q(kChipMaxHeadDim, 2047), k(kChipMaxHeadDim, -2048);
  EXPECT_EQ(dot12(q, k), -2146435072);
}

TEST(FixedAttention, ImportanceStaysAtTheTop) {
  std::vector<std::uint32_t> importance{10, UINT32_MAX - 4095, UINT32_MAX - 10, UINT32_MAX};
  const std::vector<Probability12> row(4, 4095);
  accumulate_importance12(row, importance);
  EXPECT_THAT(importance, ElementsAre(4105u, UINT32_MAX, UINT32_MAX, UINT32_MAX));
}

TEST(FixedAttention, EqualProbabilitiesKeepTheLowerKeys) {
  EXPECT_THAT(select_values12(std::vector<Probability12>{5, 9, 5, 5, 0}, 3), ElementsAre(0u, 1u, 2u));
  EXPECT_THAT(select_values12(std::vector<Probability12>{5, 9}, 9), ElementsAre(0u, 1u));
}

TEST(FixedAttention, OutputIsRequantizedOnceAtTheScaleOfV) {
  // (2048 * 3 + 2048 * 4) / 4096 = 3.5 -> 4; the negatives -3.5 -> -3; a sum of one product each would give 2 + 2.
  const FixedMatrix values{2, 2, {3, -3, 4, -4}, {1.0f}};
  std::vector<Fixed12> out(2);
  weighted_sum12(std::vector<Probability12>{2048, 2048}, std::vector<std::uint32_t>{0, 1}, values, out);
  EXPECT_THAT(out, ElementsAre(4, -3));
  EXPECT_EQ(magnitude12(out), 7u);
}

TEST(FixedAttention, WideSumsSaturateAndDoNotWrap) {
  const std::size_t keys = 3000;  // 3000 * 4095 * 2047 needs 35 bits
  const FixedMatrix values{keys, 2, [] {
                             std::vector<Fixed12> v(2 * keys);
                             for (std::size_t i = 0; i < v.size(); ++i) v[i] = i % 2 == 0 ? 2047 : -2047;
                             return v;
                           }(), {1.0f}};
  std::vector<std::uint32_t> kept(keys);
  std::iota(kept.begin(), kept.end(), 0u);
  std::vector<Fixed12> out(2);
  weighted_sum12(std::vector<Probability12>(keys, 4095), kept, values, out);
  EXPECT_THAT(out, ElementsAre(2047, -2047));
}

struct Inputs {
  OwnedMatrix<float> q, k, v;
  Inputs(std::size_t rows, std::size_t keys, std::size_t dim, std::uint64_t seed) : q(rows, dim), k(keys, dim), v(keys, dim) {
    Random random(seed);
    for (OwnedMatrix<float>* m : {&q, &k, &v}) {
      for (std::size_t i = 0; i < m->rows() * dim; ++i) m->data()[i] = static_cast<float>(random.normal());
    }
  }
  FixedHeadTask task(const QuantizationPolicy& quantization = {}) const {
    FixedHeadTask t;
    t.q = q.view();
    t.k = k.view();
    t.v = v.view();
    t.inverse_sqrt_dim = 1 / std::sqrt(static_cast<float>(q.cols()));
    t.quantization = chip_quantization(quantization);
    return t;
  }
};

TEST(FixedAttention, TwelveBitsStayCloseToTheReference) {
  const Inputs in(5, 40, 64, 7);
  const FixedHead head = attend_fixed_head(in.task());
  const HeadResult exact = attend_head(in.q.view(), in.k.view(), in.v.view(), {});
  const double v_max = head.value_scale() * 2047.0;
  for (std::size_t r = 0; r < 5; ++r) {
    for (std::size_t j = 0; j < 40; ++j) {
      // Scores of about N(0, 1) with 12-bit Q and K are off by some 1e-3, and so relatively are probabilities.
      EXPECT_NEAR(head.rows[r].probabilities[j] / 4096.0, exact.rows[r].probabilities[j],
                  0.5 / 4096 + 4e-3 * exact.rows[r].probabilities[j]);
    }
    // 40 probabilities rounded by half a code each, V and the output by half a level.
    for (std::size_t d = 0; d < 64; ++d) EXPECT_NEAR(head.rows[r].out[d] * head.value_scale(), exact.rows[r].out[d], 4e-3 * v_max);
  }
}

TEST(FixedAttention, FlatRowsReadTheLowBitsAndPeakedOnesDoNot) {
  Inputs in(2, 30, 16, 9);
  for (std::size_t d = 0; d < 16; ++d) {
    in.q(0, d) *= 0.01f;          // flat
    in.q(1, d) = 4 * in.k(3, d);  // looks at key 3
  }
  QuantizationPolicy q;
  q.msb_bits = 4;
  const FixedHead head = attend_fixed_head(in.task(q));
  EXPECT_TRUE(head.rows[0].used_lsb);
  EXPECT_FALSE(head.rows[1].used_lsb);
  // The flat row is the one of 8 static bits; its first probabilities are counted nowhere.
  QuantizationPolicy eight;
  eight.key_bits = 8;
  const FixedHead full = attend_fixed_head(in.task(eight));
  EXPECT_EQ(head.rows[0].probabilities, full.rows[0].probabilities);
  EXPECT_EQ(head.rows[0].out, full.rows[0].out);
  for (std::size_t j = 0; j < 30; ++j) {
    EXPECT_EQ(head.importance[j], std::uint32_t{head.rows[0].probabilities[j]} + head.rows[1].probabilities[j]);
  }
}

TEST(FixedAttention, LocalValuesLeaveProbabilitiesAndImportanceAlone) {
  const Inputs in(3, 20, 16, 11);
  FixedHeadTask task = in.task();
  const FixedHead all = attend_fixed_head(task);
  const std::vector<std::uint32_t> keeps{5, 20, 1};
  task.value_keeps = keeps;
  const FixedHead few = attend_fixed_head(task);
  EXPECT_EQ(all.importance, few.importance);
  for (std::size_t r = 0; r < 3; ++r) {
    EXPECT_EQ(all.rows[r].probabilities, few.rows[r].probabilities);
    EXPECT_EQ(few.rows[r].kept_values.size(), keeps[r]);
  }
  EXPECT_EQ(all.rows[1].out, few.rows[1].out);
  EXPECT_NE(all.rows[2].out, few.rows[2].out);
}

TEST(FixedAttention, CausalRowsSeeNothingLater) {
  const Inputs in(4, 6, 16, 13);
  FixedHeadTask task = in.task();
  task.causal = true;
  const FixedHead head = attend_fixed_head(task);
  for (std::size_t r = 0; r < 4; ++r) EXPECT_EQ(head.rows[r].probabilities.size(), 3 + r);
  // The last row sees all, as it would alone.
  FixedHeadTask alone = in.task();
  alone.q = in.q.view().rows_from(3, 1);
  EXPECT_EQ(attend_fixed_head(alone).rows[0].out, head.rows[3].out);
}

}  // namespace
}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/quantization.h"

#include <gtest/gtest.h>

#include <cmath>

#include "spatten/algo/quantizer.h"
#include "unit/layers/random_rows.h"

namespace spatten {
namespace {

algo::QuantizationPolicy progressive(std::uint32_t msb_bits) {
  algo::QuantizationPolicy q;
  q.msb_bits = msb_bits;
  return q;
}

TEST(PackedKeyRows, HaveLowBitsOnlyWhenTheyMayBeRead) {
  const kernels::PackedRows split = packed_key_rows(32, progressive(6));
  EXPECT_TRUE(split.has_lsb());
  EXPECT_EQ(split.msb_bits(), 6);
  EXPECT_EQ(split.bits(), 10);

  algo::QuantizationPolicy high_alone = progressive(6);
  high_alone.lsb_bits = 0;
  EXPECT_FALSE(packed_key_rows(32, high_alone).has_lsb());
  EXPECT_EQ(packed_key_rows(32, high_alone).bits(), 6);

  algo::QuantizationPolicy plain;
  plain.key_bits = 12;
  EXPECT_FALSE(packed_key_rows(32, plain).has_lsb());
  EXPECT_EQ(packed_key_rows(32, plain).bits(), 12);
}

TEST(PackedValueRows, HaveTheWidthOfV) {
  algo::QuantizationPolicy q = progressive(8);
  q.value_bits = 5;
  const kernels::PackedRows rows = packed_value_rows(64, q);
  EXPECT_EQ(rows.bits(), 5);
  EXPECT_EQ(rows.cols(), 64u);
  EXPECT_FALSE(rows.has_lsb());
}

/// The rows as algo's quantizer has them: the same integers at the same scales.
void expect_like_algo(ConstMatrix rows, std::uint32_t bits, algo::Granularity granularity) {
  kernels::PackedRows packed(rows.cols, static_cast<int>(bits), false);
  append_quantized(rows, granularity, packed);
  const algo::QuantizedMatrix expected = algo::quantize(rows, bits, granularity);
  ASSERT_EQ(packed.rows(), rows.rows);
  for (std::size_t r = 0; r < rows.rows; ++r) {
    EXPECT_EQ(packed.scale(r), expected.scales[r]);
    for (std::size_t c = 0; c < rows.cols; ++c) ASSERT_EQ(packed.integer(r, c, true), expected.level(r, c)) << r << ", " << c;
  }
}

TEST(AppendQuantized, GivesEachRowItsScale) {
  for (const std::uint32_t bits : {4u, 6u, 8u, 10u, 12u}) {
    expect_like_algo(random_rows(9, 48, bits).view(), bits, algo::Granularity::kRow);
  }
}

TEST(AppendQuantized, SharesAScaleAmongTheRowsOfACall) {
  const OwnedMatrix<float> rows = random_rows(9, 48, 3);
  for (const std::uint32_t bits : {4u, 8u, 12u}) expect_like_algo(rows.view(), bits, algo::Granularity::kTensor);
  kernels::PackedRows packed(48, 8, false);
  append_quantized(rows.view().rows_from(0, 4), algo::Granularity::kTensor, packed);
  append_quantized(rows.view().rows_from(4, 5), algo::Granularity::kTensor, packed);
  EXPECT_EQ(packed.scale(0), packed.scale(3));
  EXPECT_EQ(packed.scale(4), packed.scale(8));
  EXPECT_NE(packed.scale(0), packed.scale(4));
}

TEST(AppendQuantized, ReadsRowsThatAreColumnsOfAWiderMatrix) {
  const OwnedMatrix<float> wide = random_rows(5, 96, 4);
  expect_like_algo(wide.view().cols_from(32, 32), 8, algo::Granularity::kRow);
  expect_like_algo(wide.view().cols_from(32, 32), 8, algo::Granularity::kTensor);
}

TEST(QuantizeQueries, LeavesOnlyWhatTheWidthCanHold) {
  for (const algo::Granularity granularity : {algo::Granularity::kRow, algo::Granularity::kTensor}) {
    algo::QuantizationPolicy q;
    q.query_bits = 6;
    q.granularity = granularity;
    OwnedMatrix<float> rows = random_rows(7, 32, 5);
    const algo::QuantizedMatrix expected = algo::quantize(rows.view(), 6, granularity);
    quantize_queries(rows.view(), q);
    for (std::size_t r = 0; r < 7; ++r) {
      for (std::size_t c = 0; c < 32; ++c) ASSERT_EQ(rows(r, c), expected.value(r, c));
    }
  }
}

TEST(QuantizeQueries, DoesNothingWithoutAWidth) {
  OwnedMatrix<float> rows = random_rows(2, 32, 6);
  const std::vector<float> before = row_of(rows.view(), 1);
  quantize_queries(rows.view(), {});
  EXPECT_EQ(row_of(rows.view(), 1), before);
}

}  // namespace
}  // namespace spatten

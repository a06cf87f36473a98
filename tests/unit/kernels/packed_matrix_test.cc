// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/packed_matrix.h"

#include <tuple>

#include "spatten/base/thread_pool.h"
#include "spatten/kernels/rounding.h"
#include "support/on_every_target.h"

namespace spatten::kernels {
namespace {

class PackedMatrixShapes : public testing::TestWithParam<std::tuple<std::size_t, std::size_t, std::size_t>> {};
INSTANTIATE_TEST_SUITE_P(Shape, PackedMatrixShapes,
                         testing::Combine(testing::Values(1, 17, 64), testing::Values(1, 63, 64, 200),
                                          testing::Values(16, 32, 64, 128)));

constexpr Precision kAll[] = {Precision::kFp32, Precision::kBf16, Precision::kInt8};

/// What is stored of a weight whose output has weights up to `largest`.
float stored(float x, float largest, Precision precision) {
  if (precision == Precision::kFp32) return x;
  if (precision == Precision::kBf16) return from_bf16(to_bf16(x));
  const float scale = std::max(largest / 127, FLT_MIN);
  return std::nearbyint(x / scale) * scale;
}

TEST_P(PackedMatrixShapes, HoldsBothSourceLayoutsAlike) {
  const auto [in, out, width] = GetParam();
  const Sample by_out(out, in, 1);
  Sample by_in(in, out, 2);
  for (std::size_t i = 0; i < in; ++i) {
    for (std::size_t o = 0; o < out; ++o) by_in(i, o) = by_out(o, i);
  }
  for (const Precision precision : kAll) {
    PackedMatrix a(in, out, width, precision), b(in, out, width, precision);
    const std::size_t half_out = out / 2, half_in = in / 2;
    a.put_out_in(0, by_out.view().rows_from(0, half_out));
    a.put_out_in(half_out, by_out.view().rows_from(half_out, out - half_out));
    if (precision == Precision::kInt8) {
      b.measure_in_out(by_in.view().rows_from(0, half_in));
      b.measure_in_out(by_in.view().rows_from(half_in, in - half_in));
    }
    b.put_in_out(0, by_in.view().rows_from(0, half_in));
    b.put_in_out(half_in, by_in.view().rows_from(half_in, in - half_in));
    for (std::size_t o = 0; o < out; ++o) {
      std::vector<float> column(in);
      a.copy_column(o, column.data());
      const float largest = largest_magnitude(by_out.view().row(o), in);
      float sum = 0;
      for (std::size_t i = 0; i < in; ++i) {
        ASSERT_EQ(a.at(i, o), stored(by_out(o, i), largest, precision));
        ASSERT_EQ(b.at(i, o), a.at(i, o));
        ASSERT_EQ(column[i], a.at(i, o));
        if (precision == Precision::kInt8) sum += std::nearbyint(a.at(i, o) / a.scales()[o]);
      }
      if (precision != Precision::kInt8) continue;
      EXPECT_EQ(a.sums()[o], sum);
      EXPECT_EQ(b.sums()[o], sum);
      EXPECT_EQ(a.scales()[o], b.scales()[o]);
    }
  }
}

TEST(PackedMatrix, PadsTheLastPanelAndTheLastGroupWithZeros) {
  const PackedMatrix w(3, 70);
  EXPECT_EQ(w.panels(), 2u);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t c = 6; c < 64; ++c) EXPECT_EQ(w.panel(1)[i * 64 + c], 0.0f);
  }
  Sample ones(70, 5, 1);
  for (std::size_t o = 0; o < 70; ++o) {
    for (std::size_t i = 0; i < 5; ++i) ones(o, i) = 1;
  }
  for (const auto& [precision, last] : {std::pair(Precision::kBf16, 0x3F80u), {Precision::kInt8, 0x7Fu}}) {
    PackedMatrix padded(5, 70, 64, precision);
    padded.put_out_in(0, ones.view());
    const std::size_t groups = padded.groups();
    EXPECT_EQ(groups, precision == Precision::kBf16 ? 3u : 2u);
    for (std::size_t c = 0; c < 64; ++c) {
      EXPECT_EQ(padded.group_panel(0)[(groups - 1) * 64 + c], last);
      EXPECT_EQ(padded.group_panel(1)[(groups - 1) * 64 + c], c < 6 ? last : 0u);
    }
  }
}

TEST(PackedMatrix, HoldsNothingTwice) {
  EXPECT_EQ(PackedMatrix(768, 3072).bytes(), 768u * 3072 * sizeof(float));
  EXPECT_EQ(PackedMatrix(768, 3072, 64, Precision::kBf16).bytes(), 768u * 3072 * 2);
  EXPECT_EQ(PackedMatrix(768, 3072, 64, Precision::kInt8).bytes(), 768u * 3072 + 3072 * kInt8OutputBytes);
  EXPECT_EQ(PackedMatrix(5, 70, 64, Precision::kBf16).bytes(), 6u * 128 * 2) << "whole groups and panels";
  EXPECT_EQ(PackedMatrix(5, 70, 64, Precision::kInt8).bytes(), 8u * 128 + 128 * kInt8OutputBytes);
}

TEST(PackedMatrix, TakesStripsFromSeveralThreads) {
  const Sample rows(300, 50, 3);
  PackedMatrix w(50, 300);
  ThreadPool pool(4);
  pool.parallel_for(30, [&](std::size_t i, std::size_t) { w.put_out_in(i * 10, rows.view().rows_from(i * 10, 10)); });
  for (std::size_t o = 0; o < 300; ++o) {
    for (std::size_t i = 0; i < 50; ++i) ASSERT_EQ(w.at(i, o), rows(o, i));
  }
}

TEST(PackedMatrix, RefusesStripsThatDoNotFit) {
  PackedMatrix w(4, 10);
  const Sample rows(3, 4, 1), wrong(3, 5, 1);
  EXPECT_THROW(w.put_out_in(8, rows.view()), Bug);
  EXPECT_THROW(w.put_out_in(0, wrong.view()), Bug);
  EXPECT_THROW(w.put_in_out(0, rows.view()), Bug);
  EXPECT_THROW(PackedMatrix(4, 4, 24), Bug);
  EXPECT_THROW(PackedMatrix(PackedMatrix::kMaxInt8Inputs + 1, 16, 16, Precision::kInt8), Bug);
}

}  // namespace
}  // namespace spatten::kernels

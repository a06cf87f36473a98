// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/packed_matrix.h"

#include <tuple>

#include "spatten/base/thread_pool.h"
#include "support/on_every_target.h"

namespace spatten::kernels {
namespace {

class PackedMatrixShapes : public testing::TestWithParam<std::tuple<std::size_t, std::size_t, std::size_t>> {};
INSTANTIATE_TEST_SUITE_P(Shape, PackedMatrixShapes,
                         testing::Combine(testing::Values(1, 17, 64), testing::Values(1, 63, 64, 200),
                                          testing::Values(16, 32, 64, 128)));

TEST_P(PackedMatrixShapes, HoldsBothSourceLayoutsAlike) {
  const auto [in, out, width] = GetParam();
  const Sample by_out(out, in, 1);
  Sample by_in(in, out, 2);
  for (std::size_t i = 0; i < in; ++i) {
    for (std::size_t o = 0; o < out; ++o) by_in(i, o) = by_out(o, i);
  }
  PackedMatrix a(in, out, width), b(in, out, width);
  const std::size_t half_out = out / 2, half_in = in / 2;
  a.put_out_in(0, by_out.view().rows_from(0, half_out));
  a.put_out_in(half_out, by_out.view().rows_from(half_out, out - half_out));
  b.put_in_out(0, by_in.view().rows_from(0, half_in));
  b.put_in_out(half_in, by_in.view().rows_from(half_in, in - half_in));
  for (std::size_t o = 0; o < out; ++o) {
    std::vector<float> column(in);
    a.copy_column(o, column.data());
    for (std::size_t i = 0; i < in; ++i) {
      ASSERT_EQ(a.at(i, o), by_out(o, i));
      ASSERT_EQ(b.at(i, o), by_out(o, i));
      ASSERT_EQ(column[i], by_out(o, i));
    }
  }
}

TEST(PackedMatrix, PadsTheLastPanelWithZeros) {
  const PackedMatrix w(3, 70);
  EXPECT_EQ(w.panels(), 2u);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t c = 6; c < 64; ++c) EXPECT_EQ(w.panel(1)[i * 64 + c], 0.0f);
  }
}

TEST(PackedMatrix, HoldsNothingTwice) { EXPECT_EQ(PackedMatrix(768, 3072).bytes(), 768u * 3072 * sizeof(float)); }

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
}

}  // namespace
}  // namespace spatten::kernels

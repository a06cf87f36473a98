// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/roofs.h"

#include <gtest/gtest.h>

namespace spatten {
namespace {

TEST(GemmRoof, MultipliesInBothLayoutsOnAnyNumberOfThreads) {
  for (const auto weights : {kernels::GemmRoof::Weights::kPlain, kernels::GemmRoof::Weights::kPacked}) {
    for (const std::size_t threads : {1u, 2u, 3u}) {
      for (const std::size_t n : {2u, 61u, 128u}) {
        ThreadPool pool(threads);
        kernels::GemmRoof roof(n, pool.size(), weights);
        roof.run(pool);
        roof.run(pool);  // the product again, not a sum of two
        for (const auto& [row, col] : {std::pair<std::size_t, std::size_t>{0, 0}, {n - 1, 0}, {n / 2, n - 1}, {n - 1, n - 1}}) {
          EXPECT_NEAR(roof.result(row, col), roof.expected(row, col), 1e-5) << n << ' ' << threads;
        }
      }
    }
  }
}

TEST(GemmRoof, CountsAMultiplyAddAsTwo) {
  ThreadPool pool(2);
  EXPECT_EQ(GemmRoofWorkload(32, kernels::GemmRoof::Weights::kPlain, pool).operations(), 2.0 * 32 * 32 * 32);
}

TEST(ReadRoof, ReadsEveryElementOnce) {
  for (const std::size_t elements : {1u, 1000u, 32768u, 32769u, 100000u}) {
    ThreadPool pool(2);
    ReadRoofWorkload roof(8 * elements, pool);
    roof.run();
    EXPECT_EQ(roof.sum(), elements * (elements - 1) / 2);
    EXPECT_EQ(roof.read_bytes(), 8.0 * static_cast<double>(elements));
  }
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/linear.h"

#include <algorithm>
#include <optional>

#include "support/on_every_target.h"

namespace spatten::kernels {
namespace {

SPATTEN_ON_EVERY_TARGET(Linear);

struct Case {
  std::size_t rows, in, out, width;
  Gemm::Backend backend = Gemm::Backend::kPanels;
};

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const std::size_t rows : {0, 1, 2, 3, 4, 5, 6, 7, 13, 97, 200}) list.push_back({rows, 70, 130, 64});
  for (const std::size_t width : {16, 32, 48, 80, 128}) list.push_back({11, 33, 3 * width + 5, width});
  for (const std::size_t in : {1, 2, 511, 512, 513, 1100}) list.push_back({7, in, 64, 64});
  for (const std::size_t out : {1, 2, 15, 16, 63, 64, 65}) list.push_back({9, 40, out, 64});
  return list;
}

PackedMatrix packed(const Sample& w, std::size_t width) {
  PackedMatrix result(w.view().cols, w.view().rows, width);
  result.put_out_in(0, w.view());
  return result;
}

/// What rounding may do to a sum of `terms` products whose magnitudes add up to `magnitude`.
double tolerance(double magnitude, std::size_t terms) {
  return 1e-7 + magnitude * 6e-8 * std::sqrt(static_cast<double>(terms) + 4) * 2;
}

void expect_product(const Case& c) {
  SCOPED_TRACE(testing::Message() << c.rows << " x " << c.in << " x " << c.out << " width " << c.width);
  const Sample x(c.rows, c.in, 1), w(c.out, c.in, 2), bias(1, c.out, 3);
  const PackedMatrix matrix = packed(w, c.width);
  Sample y(c.rows, c.out, 4);
  const Sample before = y;
  Gemm gemm(c.backend);
  ThreadPool pool(2);
  for (const bool accumulate : {false, true}) {
    linear({.x = x.view(), .w = &matrix, .bias = bias.view().data, .y = y.view(), .accumulate = accumulate}, gemm, pool);
    ASSERT_TRUE(y.gaps_untouched());
    for (std::size_t r = 0; r < c.rows; ++r) {
      for (std::size_t o = 0; o < c.out; ++o) {
        double sum = bias(0, o), magnitude = std::fabs(sum);
        for (std::size_t i = 0; i < c.in; ++i) {
          sum += static_cast<double>(x(r, i)) * w(o, i);
          magnitude += std::fabs(static_cast<double>(x(r, i)) * w(o, i));
        }
        const double times = accumulate ? 2 : 1;
        ASSERT_NEAR(y(r, o), times * sum, times * tolerance(magnitude, c.in)) << r << ' ' << o;
      }
    }
  }
}

TEST_P(Linear, EqualsTheSumInDoublePrecision) {
  for (const Case& c : cases()) expect_product(c);
}

TEST(LinearOneDnn, EqualsTheSumInDoublePrecision) {
  for (Case c : cases()) {
    c.backend = Gemm::Backend::kOneDnn;
    expect_product(c);
  }
}

TEST_P(Linear, GivesARowTheSameBitsInEveryBatchAndOnAnyNumberOfThreads) {
  const std::size_t rows = 211, in = 600, out = 150;
  const Sample x(rows, in, 1), w(out, in, 2);
  const PackedMatrix matrix = packed(w, 64);
  Gemm gemm(Gemm::Backend::kPanels);
  ThreadPool one(1), three(3);
  Sample all(rows, out, 3, 0);
  linear({.x = x.view(), .w = &matrix, .y = all.view(), .activation = Activation::kGelu}, gemm, one);
  for (const std::size_t first : {0u, 1u, 5u, 95u, 96u, 200u}) {
    for (const std::size_t count : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 11u}) {
      Sample some(count, out, 4, 0);
      linear({.x = x.view().rows_from(first, count), .w = &matrix, .y = some.view(), .activation = Activation::kGelu}, gemm,
             three);
      ASSERT_TRUE(std::equal(some.all().begin(), some.all().end(), all.all().begin() + first * out)) << first << ' ' << count;
    }
  }
}

TEST(LinearOneDnn, SharesItsCompiledShapesAmongThreads) {
  Gemm onednn, panels(Gemm::Backend::kPanels);
  Random random(5);
  for (int round = 0; round < 60; ++round) {  // new threads in every round meet shapes that others compiled
    ThreadPool pool(3);
    const std::size_t rows = 16 + random.below(200), in = 16 + random.below(500), out = 2 + random.below(300);
    const Sample x(rows, in, 1), w(out, in, 2);
    const PackedMatrix matrix = packed(w, 64);
    Sample found(rows, out, 3, 0), expected(rows, out, 3, 0);
    for (int again = 0; again < 3; ++again) {
      linear({.x = x.view(), .w = &matrix, .y = found.view()}, onednn, pool);
      linear({.x = x.view(), .w = &matrix, .y = expected.view()}, panels, pool);
      for (std::size_t i = 0; i < rows * out; ++i) ASSERT_NEAR(found.all()[i], expected.all()[i], 1e-3) << round;
    }
  }
}

TEST(LinearOneDnn, GivesARowTheBitsThatTheMicroKernelGives) {
  const std::size_t rows = 211, in = 1000, out = 150;
  const Sample x(rows, in, 1), w(out, in, 2);
  const PackedMatrix matrix = packed(w, 64);
  Gemm onednn, panels(Gemm::Backend::kPanels);
  ThreadPool pool(3);
  Sample found(rows, out, 3, 0), expected(rows, out, 3, 0);
  linear({.x = x.view(), .w = &matrix, .y = found.view()}, onednn, pool);
  linear({.x = x.view(), .w = &matrix, .y = expected.view()}, panels, pool);
  for (std::size_t i = 0; i < rows * out; ++i) ASSERT_EQ(found.all()[i], expected.all()[i]) << i;
}

TEST_P(Linear, NeverRunsOneDnnWhenATargetIsForced) {
  const Gemm gemm;
  EXPECT_FALSE(gemm.uses_onednn(Gemm::kOneDnnRows));
  force_target("");
  EXPECT_EQ(gemm.uses_onednn(Gemm::kOneDnnRows), current_target().starts_with("AVX3"));
  EXPECT_FALSE(gemm.uses_onednn(Gemm::kOneDnnRows - 1));
}

TEST_P(Linear, LeavesThePrunedPanelsAsTheyWere) {
  const Sample x(10, 20, 1), w(200, 20, 2);
  const PackedMatrix matrix = packed(w, 32);
  Sample some(10, 200, 3), all(10, 200, 3);
  const Sample before = some;
  const std::vector<std::uint32_t> panels{0, 3, 6};  // the last one is narrow
  Gemm gemm(Gemm::Backend::kPanels);
  ThreadPool pool(2);
  linear({.x = x.view(), .w = &matrix, .y = all.view()}, gemm, pool);
  linear({.x = x.view(), .w = &matrix, .y = some.view(), .out_panels = panels}, gemm, pool);
  for (std::size_t r = 0; r < 10; ++r) {
    for (std::size_t o = 0; o < 200; ++o) {
      const bool computed = std::find(panels.begin(), panels.end(), o / 32) != panels.end();
      ASSERT_EQ(some(r, o), computed ? all(r, o) : before(r, o));
    }
  }
}

void expect_only_the_given_inputs(Gemm::Backend backend) {
  const Sample w(70, 40, 2);
  Sample x(20, 40, 1), zeroed = x;
  const std::vector<Range> ranges{{0, 8}, {8, 8}, {16, 24}, {39, 40}};
  for (std::size_t r = 0; r < 20; ++r) {
    for (std::size_t i = 0; i < 40; ++i) {
      if (!(i < 8 || (i >= 16 && i < 24) || i == 39)) {
        zeroed(r, i) = 0;
        x(r, i) = NAN;  // must not be read
      }
    }
  }
  const PackedMatrix matrix = packed(w, 64);
  Sample expected(20, 70, 3), found(20, 70, 3);
  ThreadPool pool(2);
  Gemm gemm(backend);
  linear({.x = zeroed.view(), .w = &matrix, .y = expected.view()}, gemm, pool);
  linear({.x = x.view(), .w = &matrix, .y = found.view(), .in_ranges = ranges}, gemm, pool);
  for (std::size_t r = 0; r < 20; ++r) {
    for (std::size_t o = 0; o < 70; ++o) ASSERT_NEAR(found(r, o), expected(r, o), 1e-5);
  }
}

TEST_P(Linear, TakesOnlyTheGivenInputs) { expect_only_the_given_inputs(Gemm::Backend::kPanels); }
TEST(LinearOneDnn, TakesOnlyTheGivenInputs) { expect_only_the_given_inputs(Gemm::Backend::kOneDnn); }

TEST_P(Linear, RefusesShapesThatDoNotFit) {
  const Sample x(2, 8, 1), w(4, 8, 2), narrow(2, 7, 1);
  const PackedMatrix matrix = packed(w, 16);
  Sample y(2, 4, 1), tall(3, 4, 1);
  Gemm gemm(Gemm::Backend::kPanels);
  ThreadPool pool(1);
  const std::vector<std::uint32_t> panels{1};
  const std::vector<Range> ranges{{4, 6}, {2, 3}};
  EXPECT_THROW(linear({.x = narrow.view(), .w = &matrix, .y = y.view()}, gemm, pool), Bug);
  EXPECT_THROW(linear({.x = x.view(), .w = &matrix, .y = tall.view()}, gemm, pool), Bug);
  EXPECT_THROW(linear({.x = x.view(), .w = &matrix, .y = y.view(), .out_panels = panels}, gemm, pool), Bug);
  EXPECT_THROW(linear({.x = x.view(), .w = &matrix, .y = y.view(), .in_ranges = ranges}, gemm, pool), Bug);
}

}  // namespace
}  // namespace spatten::kernels

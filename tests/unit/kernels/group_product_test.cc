// SPDX-License-Identifier: Apache-2.0
// Products with weights in bf16 and int8: against sums in double precision over the same rounded numbers, and against the
// product that was meant, within what rounding may do. On each instruction set, and with none forced, where AVX512-BF16 and
// AVX512-VNNI take part.
#include "spatten/kernels/group_product.h"

#include <algorithm>
#include <cmath>

#include "spatten/base/fields.h"
#include "spatten/kernels/linear.h"
#include "spatten/kernels/rounding.h"
#include "support/on_every_target.h"

namespace spatten::kernels {
namespace {

using GroupProducts = OnEveryTarget;
SPATTEN_ON_EVERY_CHOICE_OF_TARGET(GroupProducts);

constexpr Precision kRounded[] = {Precision::kBf16, Precision::kInt8};
constexpr double kHalfUlp = 6e-8;  // of fp32, relative

PackedMatrix packed(const Sample& w, std::size_t width, Precision precision) {
  PackedMatrix result(w.view().cols, w.view().rows, width, precision);
  result.put_out_in(0, w.view());
  return result;
}

bool counts(const std::vector<Range>& ranges, std::size_t i) {
  return ranges.empty() || std::any_of(ranges.begin(), ranges.end(), [i](Range r) { return r.begin <= i && i < r.end; });
}

/// Row r of x as the product sees it, inputs that do not count being 0.
struct RoundedRow {
  std::vector<double> values;
  double scale = 0;  // int8
};

RoundedRow rounded(const Sample& x, std::size_t r, std::size_t in, Precision precision, const std::vector<Range>& ranges) {
  RoundedRow out;
  float largest = 0;
  for (std::size_t i = 0; i < in; ++i) largest = counts(ranges, i) ? std::max(largest, std::fabs(x(r, i))) : largest;
  const float scale = std::max(largest / 127.0f, FLT_MIN), inverse = 1.0f / scale;
  out.scale = double{scale};
  for (std::size_t i = 0; i < in; ++i) {
    if (!counts(ranges, i)) {
      out.values.push_back(0);
    } else if (precision == Precision::kBf16) {
      out.values.push_back(double{from_bf16(to_bf16(x(r, i)))});
    } else {
      out.values.push_back(double{scale} * std::nearbyint(x(r, i) * inverse));
    }
  }
  return out;
}

struct Case {
  std::size_t rows, in, out, width;
  std::vector<Range> ranges = {};
};

std::vector<Case> cases() {
  std::vector<Case> list;
  for (const std::size_t rows : {0, 1, 2, 3, 5, 6, 7, 13, 97, 200}) list.push_back({rows, 70, 130, 64});
  for (const std::size_t width : {16, 32, 48, 80, 128}) list.push_back({11, 33, 3 * width + 5, width});
  for (const std::size_t in : {1, 2, 3, 4, 5, 15, 767, 768, 769, 1700}) list.push_back({7, in, 64, 64});
  for (const std::size_t out : {1, 2, 15, 16, 63, 64, 65}) list.push_back({9, 40, out, 64});
  list.push_back({9, 40, 70, 64, {{0, 8}, {8, 8}, {16, 24}, {39, 40}}});
  list.push_back({1, 40, 70, 64, {{1, 2}, {3, 7}, {9, 10}, {10, 11}}});  // groups shared by ranges
  list.push_back({7, 2048, 64, 64, {{64, 128}, {192, 1984}}});
  list.push_back({3, 20, 16, 16, {{4, 4}}});  // no input at all
  return list;
}

void expect_product(const Case& c, Precision precision) {
  SCOPED_TRACE(testing::Message() << enum_name(precision) << ' ' << c.rows << " x " << c.in << " x " << c.out << " width " << c.width);
  Sample x(c.rows, c.in, 1);
  const Sample w(c.out, c.in, 2), bias(1, c.out, 3);
  for (std::size_t r = 0; r < c.rows; ++r) {
    for (std::size_t i = 0; i < c.in; ++i) x(r, i) = counts(c.ranges, i) ? x(r, i) : NAN;  // must not be read
  }
  const PackedMatrix matrix = packed(w, c.width, precision);
  Sample y(c.rows, c.out, 4);
  Gemm gemm;
  ThreadPool pool(2);
  linear({.x = x.view(), .w = &matrix, .bias = bias.view().data, .y = y.view(), .in_ranges = c.ranges}, gemm, pool);
  ASSERT_TRUE(y.gaps_untouched());
  for (std::size_t r = 0; r < c.rows; ++r) {
    const RoundedRow row = rounded(x, r, c.in, precision, c.ranges);
    for (std::size_t o = 0; o < c.out; ++o) {
      double sum = bias(0, o), meant = sum, magnitude = std::fabs(sum), bound = 0;
      const double unit = precision == Precision::kInt8 ? double{matrix.scales()[o]} : 0;
      for (std::size_t i = 0; i < c.in; ++i) {
        if (!counts(c.ranges, i)) continue;
        const double exact_x = x(r, i), exact_w = w(o, i);
        sum += row.values[i] * double{matrix.at(i, o)};
        meant += exact_x * exact_w;
        magnitude += std::fabs(row.values[i] * double{matrix.at(i, o)});
        // A bf16 is off by 2^-8 of itself at most (half of the last of 8 bits), an integer by half a level.
        const double off_x = precision == Precision::kBf16 ? std::ldexp(std::fabs(exact_x), -8) : row.scale / 2;
        const double off_w = precision == Precision::kBf16 ? std::ldexp(std::fabs(exact_w), -8) : unit / 2;
        bound += std::fabs(exact_x) * off_w + std::fabs(exact_w) * off_x + off_x * off_w;
      }
      // Sums of integers are exact; their conversion, two multiplications and the bias round. Sums of bf16 round at each term.
      const double steps = precision == Precision::kInt8 ? 5 : 2 * std::sqrt(static_cast<double>(c.in) + 4);
      const double rounding = 1e-7 + magnitude * kHalfUlp * steps;
      ASSERT_NEAR(y(r, o), sum, rounding) << r << ' ' << o;
      ASSERT_NEAR(y(r, o), meant, bound * 1.0001 + rounding) << r << ' ' << o;
    }
  }
}

TEST_P(GroupProducts, EqualTheSumOfRoundedNumbersInDoublePrecision) {
  for (const Precision precision : kRounded) {
    for (const Case& c : cases()) expect_product(c, precision);
  }
}

TEST_P(GroupProducts, GiveARowTheSameBitsInEveryBatchAndOnAnyNumberOfThreads) {
  const std::size_t rows = 211, in = 1000, out = 150;
  const Sample x(rows, in, 1), w(out, in, 2);
  Gemm gemm;
  ThreadPool one(1), three(3);
  for (const Precision precision : kRounded) {
    const PackedMatrix matrix = packed(w, 64, precision);
    Sample all(rows, out, 3, 0);
    linear({.x = x.view(), .w = &matrix, .y = all.view(), .activation = Activation::kGelu}, gemm, one);
    for (const std::size_t first : {0u, 1u, 5u, 95u, 96u, 200u}) {
      for (const std::size_t count : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 11u}) {
        Sample some(count, out, 4, 0);
        linear({.x = x.view().rows_from(first, count), .w = &matrix, .y = some.view(), .activation = Activation::kGelu}, gemm,
               three);
        ASSERT_TRUE(std::equal(some.all().begin(), some.all().end(), all.all().begin() + first * out))
            << enum_name(precision) << ' ' << first << ' ' << count;
      }
    }
  }
}

TEST_P(GroupProducts, LeaveThePrunedPanelsAsTheyWereAndAddToWhatIsThere) {
  const Sample x(10, 20, 1), w(200, 20, 2);
  const std::vector<std::uint32_t> panels{0, 3, 6};  // the last one is narrow
  Gemm gemm;
  ThreadPool pool(2);
  for (const Precision precision : kRounded) {
    const PackedMatrix matrix = packed(w, 32, precision);
    Sample some(10, 200, 3), all(10, 200, 3, 3, 0);
    const Sample before = some;
    linear({.x = x.view(), .w = &matrix, .y = all.view()}, gemm, pool);
    linear({.x = x.view(), .w = &matrix, .y = some.view(), .accumulate = true, .out_panels = panels}, gemm, pool);
    for (std::size_t r = 0; r < 10; ++r) {
      for (std::size_t o = 0; o < 200; ++o) {
        const bool computed = std::find(panels.begin(), panels.end(), o / 32) != panels.end();
        ASSERT_NEAR(some(r, o), computed ? before(r, o) + all(r, o) : before(r, o), computed ? 1e-5 : 0);
      }
    }
  }
}

TEST_P(GroupProducts, OfZerosAreTheBiasAndOfNoNumbersAreNone) {
  const Sample w(20, 40, 2), bias(1, 20, 3);
  Gemm gemm;
  ThreadPool pool(1);
  for (const Precision precision : kRounded) {
    const PackedMatrix matrix = packed(w, 32, precision);
    Sample x(4, 40, 1), y(4, 20, 4);
    for (std::size_t i = 0; i < 40; ++i) x(0, i) = x(3, i) = 0;
    x(1, 17) = NAN;
    x(2, 39) = INFINITY;
    linear({.x = x.view(), .w = &matrix, .bias = bias.view().data, .y = y.view()}, gemm, pool);
    for (std::size_t o = 0; o < 20; ++o) {
      EXPECT_EQ(y(0, o), bias(0, o));
      EXPECT_FALSE(std::isfinite(y(1, o)));
      EXPECT_FALSE(std::isfinite(y(2, o)));
      EXPECT_EQ(y(3, o), bias(0, o));
    }
  }
}

// The largest sums that there are: every product has the same sign.
TEST_P(GroupProducts, Int8SumsStayInside32Bits) {
  const std::size_t in = PackedMatrix::kMaxInt8Inputs;
  std::vector<float> x(in, 1), w(in * 2, 1);
  for (std::size_t i = 0; i < in; ++i) w[in + i] = -1;
  PackedMatrix matrix(in, 2, 16, Precision::kInt8);
  matrix.put_out_in(0, {w.data(), 2, in});
  std::vector<float> y(2);
  Gemm gemm;
  ThreadPool pool(1);
  linear({.x = {x.data(), 1, in}, .w = &matrix, .y = {y.data(), 1, 2}}, gemm, pool);
  EXPECT_NEAR(y[0], static_cast<float>(in), in * 5 * kHalfUlp);
  EXPECT_EQ(y[1], -y[0]);
}

}  // namespace
}  // namespace spatten::kernels

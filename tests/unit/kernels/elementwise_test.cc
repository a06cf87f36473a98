// SPDX-License-Identifier: Apache-2.0
// Activations, layer norm, softmax and the small row operations.
#include <limits>

#include "spatten/kernels/activation.h"
#include "spatten/kernels/layer_norm.h"
#include "spatten/kernels/vector_ops.h"
#include "support/on_every_target.h"

namespace spatten::kernels {
namespace {

SPATTEN_ON_EVERY_TARGET(Elementwise);

double exact(Activation a, double x) {
  switch (a) {
    case Activation::kGelu:
      return 0.5 * x * std::erfc(-x / std::sqrt(2.0));
    case Activation::kGeluNew:  // x sigmoid(2u): 1 + tanh(u) would cancel for negative u
      return x / (1 + std::exp(-2 * std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::kRelu:
      return std::max(0.0, x);
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kNone:
      break;
  }
  return x;
}

TEST_P(Elementwise, ActivationsAreExactToTwoMillionths) {
  std::vector<float> x;
  for (double v = -6; v <= 12; v += 0.00037) x.push_back(static_cast<float>(v));
  for (const float v : {0.0f, 1e-30f, -1e-30f, 1e-7f, -1e-7f, 100.0f, 1e20f}) x.push_back(v);
  for (const auto a : {Activation::kNone, Activation::kGelu, Activation::kGeluNew, Activation::kRelu, Activation::kTanh}) {
    std::vector<float> y = x;
    activate(a, Matrix(y.data(), 1, y.size()));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double e = exact(a, x[i]);
      // gelu_new's argument 2u reaches -28 at x = -6: its rounding alone moves the tail by 3e-6 there, 1e-6 at -3.
      const double limit = a == Activation::kGeluNew && x[i] < -3 ? 6e-6 : 2e-6;
      ASSERT_NEAR(y[i], e, limit * std::fabs(e) + 1e-37) << static_cast<int>(a) << " at " << x[i];
    }
  }
}

TEST_P(Elementwise, ActivationsVanishFarBelowZero) {
  for (const auto a : {Activation::kGelu, Activation::kGeluNew, Activation::kRelu}) {
    std::vector<float> y{-7, -10, -15, -100, -1e18f};
    activate(a, Matrix(y.data(), 1, y.size()));
    for (const float v : y) EXPECT_NEAR(v, 0, 1e-10);
  }
}

TEST_P(Elementwise, ActivationsKeepNan) {
  for (const auto a : {Activation::kGelu, Activation::kGeluNew, Activation::kRelu, Activation::kTanh}) {
    std::vector<float> y(5, NAN);
    activate(a, Matrix(y.data(), 1, y.size()));
    for (const float v : y) EXPECT_TRUE(std::isnan(v)) << static_cast<int>(a);
  }
}

TEST_P(Elementwise, ActivationsStayInsideTheRows) {
  for (std::size_t n = 0; n < 40; ++n) {
    Sample y(3, n, n);
    const Sample x = y;
    activate(Activation::kTanh, y.view());
    ASSERT_TRUE(y.gaps_untouched());
    for (std::size_t r = 0; r < 3; ++r) {
      for (std::size_t c = 0; c < n; ++c) ASSERT_NEAR(y(r, c), std::tanh(x(r, c)), 1e-6);
    }
  }
}

TEST_P(Elementwise, LayerNormMatchesDoublePrecision) {
  for (const std::size_t n : {1u, 2u, 15u, 16u, 17u, 64u, 768u, 1025u}) {
    for (const bool with_residual : {false, true}) {
      Sample x(3, n, n), residual(3, n, n + 1), gamma(1, n, 5), beta(1, n, 6), y(3, n, 7);
      for (std::size_t c = 0; c < n; ++c) x(1, c) += 100;  // a mean that dwarfs the spread
      layer_norm({.x = x.view(),
                  .residual = with_residual ? ConstMatrix(residual.view()) : ConstMatrix(),
                  .gamma = gamma.view().data,
                  .beta = beta.view().data,
                  .eps = 1e-5f,
                  .y = y.view()});
      ASSERT_TRUE(y.gaps_untouched());
      for (std::size_t r = 0; r < 3; ++r) {
        std::vector<double> t(n);
        double mean = 0, variance = 0;
        for (std::size_t c = 0; c < n; ++c) mean += t[c] = x(r, c) + (with_residual ? residual(r, c) : 0.0);
        mean /= static_cast<double>(n);
        for (const double v : t) variance += (v - mean) * (v - mean);
        const double factor = 1 / std::sqrt(variance / static_cast<double>(n) + 1e-5);
        // At 100, x + residual and the mean are each rounded by up to 4e-6, their sum by a few times that; one value has
        // no spread but eps, which multiplies by 300.
        const double limit = (r == 1 ? 2e-5 : 1e-6) * (n < 3 ? 400 : 2);
        for (std::size_t c = 0; c < n; ++c) {
          ASSERT_NEAR(y(r, c), (t[c] - mean) * factor * gamma(0, c) + beta(0, c), limit * (1 + std::fabs(y(r, c))))
              << n << ' ' << r << ' ' << c;
        }
      }
    }
  }
}

TEST_P(Elementwise, LayerNormMayWriteOverItsInput) {
  Sample x(2, 33, 1), residual(2, 33, 2), y(2, 33, 3), gamma(1, 33, 4), beta(1, 33, 5);
  const LayerNormArgs args{.x = x.view(), .residual = residual.view(), .gamma = gamma.view().data, .beta = beta.view().data,
                           .y = y.view()};
  layer_norm(args);
  LayerNormArgs over = args;
  over.y = residual.view();
  layer_norm(over);
  EXPECT_EQ(residual.all(), y.all());
}

TEST_P(Elementwise, SoftmaxMatchesDoublePrecision) {
  for (const std::size_t n : {1u, 2u, 15u, 16u, 17u, 100u, 1025u}) {
    for (const double spread : {1.0, 30.0}) {
      Sample m(2, n, n, 3, spread);
      const Sample x = m;
      softmax_rows(m.view());
      ASSERT_TRUE(m.gaps_untouched());
      for (std::size_t r = 0; r < 2; ++r) {
        double largest = x(r, 0), sum = 0, total = 0;
        for (std::size_t c = 0; c < n; ++c) largest = std::max(largest, static_cast<double>(x(r, c)));
        for (std::size_t c = 0; c < n; ++c) sum += std::exp(x(r, c) - largest);
        for (std::size_t c = 0; c < n; ++c) {
          const double e = std::exp(x(r, c) - largest) / sum;
          // x - max is rounded at up to 200: 8e-6 of its exponential.
          ASSERT_NEAR(m(r, c), e, (spread > 1 ? 1e-5 : 1.2e-6) * e + 1e-37);
          total += m(r, c);
        }
        ASSERT_NEAR(total, 1, 1e-5);
      }
    }
  }
}

TEST_P(Elementwise, SoftmaxGivesZeroForMinusInfinityAndNanForNan) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  std::vector<float> y{1, -kInf, 1, -1000};
  softmax_rows(Matrix(y.data(), 1, y.size()));
  EXPECT_EQ(y, (std::vector<float>{0.5f, 0, 0.5f, 0}));
  for (std::size_t n = 1; n < 40; ++n) {
    for (const float bad : {NAN, kInf}) {
      std::vector<float> z(n, 1.0f);
      z[n / 2] = bad;
      softmax_rows(Matrix(z.data(), 1, n));
      EXPECT_TRUE(std::isnan(z[0]) || (n > 1 && bad == kInf && std::isnan(z[n / 2]))) << n;
    }
    std::vector<float> none(n, -kInf);
    softmax_rows(Matrix(none.data(), 1, n));
    EXPECT_TRUE(std::isnan(none[0]));
  }
}

TEST_P(Elementwise, SumsAndNormsMatchDoublePrecision) {
  for (std::size_t n = 0; n < 70; ++n) {
    const Sample x(2, n, n);
    Sample y(2, n, n + 100);
    const Sample before = y;
    float norms[2];
    row_norms(x.view(), norms);
    add(x.view(), y.view());
    ASSERT_TRUE(y.gaps_untouched());
    for (std::size_t r = 0; r < 2; ++r) {
      double sum = 0, squares = 0;
      for (std::size_t c = 0; c < n; ++c) {
        sum += std::fabs(x(r, c));
        squares += static_cast<double>(x(r, c)) * x(r, c);
        ASSERT_EQ(y(r, c), before(r, c) + x(r, c));
      }
      ASSERT_NEAR(norms[r], std::sqrt(squares), 1e-6 * (1 + std::sqrt(squares)));
      ASSERT_NEAR(sum_abs({x.view().row(r), n}), sum, 1e-6 * (1 + sum));
    }
  }
}

}  // namespace
}  // namespace spatten::kernels

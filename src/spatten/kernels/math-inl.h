// SPDX-License-Identifier: Apache-2.0
// Elementary functions on vectors of floats. Included once per Highway target.
#if defined(SPATTEN_KERNELS_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPATTEN_KERNELS_MATH_INL_H_
#undef SPATTEN_KERNELS_MATH_INL_H_
#else
#define SPATTEN_KERNELS_MATH_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

/// c[0] + c[1] x + ... by Horner's rule, coefficients from the highest power down.
template <class D, std::size_t N>
HWY_INLINE hn::Vec<D> polynomial(D d, hn::Vec<D> x, const float (&coefficients)[N]) {
  auto sum = hn::Set(d, coefficients[0]);
  for (std::size_t i = 1; i < N; ++i) sum = hn::MulAdd(sum, x, hn::Set(d, coefficients[i]));
  return sum;
}

/// e^x for x <= 0, relative error below 2e-7; exactly 0 below -87.3 (results under the normal range), NaN for NaN.
/// x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts (the first has few bits, so n times it is exact); e^r by the
/// polynomial of Cephes' expf (S. Moshier); 2^n by its exponent bits.
template <class D>
HWY_INLINE hn::Vec<D> exp_negative(D d, hn::Vec<D> x) {
  const hn::RebindToSigned<D> di;
  const auto lowest = hn::Set(d, -87.33f);
  // n is 0 below the range and for NaN, which have no integer.
  const auto n = hn::IfThenElseZero(hn::Ge(x, lowest), hn::Round(hn::Mul(x, hn::Set(d, 1.44269504088896341f))));
  auto r = hn::NegMulAdd(n, hn::Set(d, 0.693359375f), x);
  r = hn::NegMulAdd(n, hn::Set(d, -2.12194440e-4f), r);
  constexpr float kTail[] = {1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f,
                             4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f};
  const auto e = hn::Add(hn::MulAdd(hn::Mul(r, r), polynomial(d, r, kTail), r), hn::Set(d, 1.0f));
  const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(di, n), hn::Set(di, 127)));
  return hn::IfThenZeroElse(hn::Lt(x, lowest), hn::Mul(e, hn::BitCast(d, exponent)));
}

/// 1 / (1 + e^-x). Works on e^-|x|, which cannot overflow.
template <class D>
HWY_INLINE hn::Vec<D> sigmoid(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, 1.0f);
  const auto e = exp_negative(d, hn::Neg(hn::Abs(x)));
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(d)), e, one), hn::Add(one, e));
}

/// tanh: an odd polynomial near 0 (Cephes' tanhf), where the quotient (1 - e) / (1 + e) with e = e^-2|x| would cancel.
template <class D>
HWY_INLINE hn::Vec<D> tanh_vector(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, 1.0f);
  const auto size = hn::Abs(x);
  constexpr float kOdd[] = {-5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f,
                            -3.33332819422e-1f};
  const auto square = hn::Mul(x, x);
  const auto near = hn::MulAdd(hn::Mul(square, polynomial(d, square, kOdd)), x, x);
  const auto e = exp_negative(d, hn::Mul(size, hn::Set(d, -2.0f)));
  const auto far = hn::CopySign(hn::Div(hn::Sub(one, e), hn::Add(one, e)), x);
  return hn::IfThenElse(hn::Lt(size, hn::Set(d, 0.625f)), near, far);
}

/// x Phi(x). Phi(-|x|) = erfc(z) / 2 with z = |x| / sqrt 2, by the Chebyshev fit of Numerical Recipes' erfcc (6.2;
/// relative error below 1.2e-7 everywhere), so the small tail keeps its digits where 1 + erf would cancel. z^2 is taken as
/// x^2 / 2: one rounding, which costs the result z^2 2^-24 (1e-6 at x = -6, where gelu is 6e-9).
template <class D>
HWY_INLINE hn::Vec<D> gelu(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, 1.0f), half = hn::Set(d, 0.5f);
  const auto z = hn::Mul(hn::Abs(x), hn::Set(d, 0.70710678118654752f));
  const auto t = hn::Div(one, hn::MulAdd(half, z, one));
  constexpr float kFit[] = {0.17087277f, -0.82215223f, 1.48851587f, -1.13520398f, 0.27886807f,
                            -0.18628806f, 0.09678418f, 0.37409196f, 1.00002368f};
  // erfc(z) = t e^(-z^2 - 1.26551223 + t fit(t)); the fit part alone lies between -1.27 and 0.
  const auto fit = hn::MulAdd(t, polynomial(d, t, kFit), hn::Set(d, -1.26551223f));
  const auto square = hn::Mul(hn::Abs(x), hn::Mul(hn::Abs(x), half));
  const auto tail = hn::Mul(hn::Mul(half, t), hn::Mul(exp_negative(d, hn::Neg(square)), exp_negative(d, fit)));
  return hn::Mul(x, hn::IfThenElse(hn::Lt(x, hn::Zero(d)), tail, hn::Sub(one, tail)));
}

/// 0.5 x (1 + tanh u) = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3).
template <class D>
HWY_INLINE hn::Vec<D> gelu_new(D d, hn::Vec<D> x) {
  const auto cubic = hn::MulAdd(hn::Mul(x, x), hn::Set(d, 0.044715f), hn::Set(d, 1.0f));
  return hn::Mul(x, sigmoid(d, hn::Mul(hn::Mul(x, cubic), hn::Set(d, 1.5957691216057308f))));
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard

// SPDX-License-Identifier: Apache-2.0
// The outer-product micro-kernel under every matrix product here: C (rows x cols) = or += A (rows x depth) B (depth x
// cols), all row-major, cols a multiple of 16. Included once per Highway target.
//
// A tile of MR rows x NV vectors of C stays in registers while the depth runs: NV loads of B and MR broadcasts of A feed
// MR * NV multiply-adds. 6 x 4 fills 24 of 32 registers (AVX-512, NEON), 6 x 2 fills 12 of 16 (SSE, AVX2); both need
// fewer loads than multiply-adds, so the multiply units are the limit. One row is bound by the stream of B: as many
// vectors as there are registers for, so that B passes once. Measured (Zen 4, AVX-512, panels of 64): 1.03 to 1.19 of
// oneDNN 2.6's rate on 2048^3, where oneDNN on the same panels has 0.95 to 1.06.
//
// Every element of A B is one chain of multiply-adds from zero in the order of the depth, whatever the tile, and then
// added to C: a row's bits do not depend on the rows beside it.
#if defined(SPATTEN_KERNELS_MICRO_KERNEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef SPATTEN_KERNELS_MICRO_KERNEL_INL_H_
#undef SPATTEN_KERNELS_MICRO_KERNEL_INL_H_
#else
#define SPATTEN_KERNELS_MICRO_KERNEL_INL_H_
#endif

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {
namespace hn = hwy::HWY_NAMESPACE;

using F32 = hn::ScalableTag<float>;
constexpr std::size_t kLanes = hn::MaxLanes(F32());
static_assert(kLanes <= 16 && 16 % kLanes == 0);

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
constexpr int kTileVectors = 4, kRowVectors = 4;
#else
constexpr int kTileVectors = 2, kRowVectors = 8;
#endif
constexpr int kTileRows = 6;

struct Product {
  const float* a = nullptr;
  std::size_t lda = 0;
  const float* b = nullptr;
  std::size_t ldb = 0;
  float* c = nullptr;
  std::size_t ldc = 0;
  std::size_t rows = 0, cols = 0, depth = 0;
  bool add = false;  // C += instead of C =
};

template <int MR, int NV>
HWY_INLINE void tile(const Product& p, std::size_t row, std::size_t col) {
  const F32 d;
  const float* HWY_RESTRICT a = p.a + row * p.lda;
  const float* HWY_RESTRICT b = p.b + col;
  float* HWY_RESTRICT c = p.c + row * p.ldc + col;
  hn::Vec<F32> sum[MR][NV];
  for (int i = 0; i < MR; ++i) {
    for (int j = 0; j < NV; ++j) {
      sum[i][j] = hn::Zero(d);
    }
  }
  for (std::size_t k = 0; k < p.depth; ++k) {
    hn::Vec<F32> bk[NV];
    for (int j = 0; j < NV; ++j) bk[j] = hn::LoadU(d, b + j * kLanes);
    for (int i = 0; i < MR; ++i) {
      const auto aik = hn::Set(d, a[i * p.lda + k]);
      for (int j = 0; j < NV; ++j) sum[i][j] = hn::MulAdd(aik, bk[j], sum[i][j]);
    }
    b += p.ldb;
  }
  for (int i = 0; i < MR; ++i) {
    for (int j = 0; j < NV; ++j) {
      float* to = c + i * p.ldc + j * kLanes;
      hn::StoreU(p.add ? hn::Add(hn::LoadU(d, to), sum[i][j]) : sum[i][j], d, to);
    }
  }
}

/// All rows of the strip of NV vectors that starts at `col`.
template <int NV>
HWY_NOINLINE void strip(const Product& p, std::size_t col) {
  std::size_t row = 0;
  for (; row + kTileRows <= p.rows; row += kTileRows) tile<kTileRows, NV>(p, row, col);
  switch (p.rows - row) {
    case 5:
      return tile<5, NV>(p, row, col);
    case 4:
      return tile<4, NV>(p, row, col);
    case 3:
      return tile<3, NV>(p, row, col);
    case 2:
      return tile<2, NV>(p, row, col);
    case 1:
      return tile<1, NV>(p, row, col);
    default:
      return;
  }
}

HWY_INLINE void multiply(const Product& p) {
  std::size_t col = 0;
  if (p.rows == 1) {
    for (; col + kRowVectors * kLanes <= p.cols; col += kRowVectors * kLanes) tile<1, kRowVectors>(p, 0, col);
  }
  for (; col + kTileVectors * kLanes <= p.cols; col += kTileVectors * kLanes) strip<kTileVectors>(p, col);
  for (; col < p.cols; col += kLanes) strip<1>(p, col);
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard

// SPDX-License-Identifier: Apache-2.0
// The outer-product micro-kernel of group_product.cc: micro_kernel-inl.h on groups of 2 bf16 or 4 int8 in place of floats. An
// `Ops` says how two vectors of groups are multiplied and what becomes of the sums:
//
//   Sum, Weights, Input               vectors; lane = output
//   Sum zero();  Weights weights(const std::uint32_t*);  Input input(std::uint32_t group)
//   Sum dot(Sum, Input, Weights)      + the products of a group, in a fixed order
//   void put(p, row, col, Sum)        adds the sum to C
//
// No include guard: read once for every set of instructions, inside a namespace of its own, by group_product.cc alone.

template <class Ops, int MR, int NV>
HWY_INLINE void tile(const GroupProduct& p, std::size_t row, std::size_t col) {
  typename Ops::Sum sum[MR][NV];
  for (int i = 0; i < MR; ++i) {
    for (int j = 0; j < NV; ++j) sum[i][j] = Ops::zero();
  }
  for (std::size_t s = 0; s < p.span_count; ++s) {
    const std::uint32_t* HWY_RESTRICT b = p.b + p.spans[s].begin * p.ldb + col;
    const std::uint32_t* HWY_RESTRICT a = p.a + row * p.lda;
    for (std::size_t g = p.spans[s].begin; g < p.spans[s].end; ++g) {
      typename Ops::Weights w[NV];
      for (int j = 0; j < NV; ++j) w[j] = Ops::weights(b + j * kGroupLanes);
      for (int i = 0; i < MR; ++i) {
        const auto x = Ops::input(a[i * p.lda + g]);
        for (int j = 0; j < NV; ++j) sum[i][j] = Ops::dot(sum[i][j], x, w[j]);
      }
      b += p.ldb;
    }
  }
  for (int i = 0; i < MR; ++i) {
    for (int j = 0; j < NV; ++j) Ops::put(p, row + i, col + j * kGroupLanes, sum[i][j]);
  }
}

/// All rows of the strip of NV vectors that starts at `col`.
template <class Ops, int NV>
HWY_NOINLINE void strip(const GroupProduct& p, std::size_t col) {
  std::size_t row = 0;
  for (; row + Ops::kTileRows <= p.rows; row += Ops::kTileRows) tile<Ops, Ops::kTileRows, NV>(p, row, col);
  for (; row + 2 <= p.rows; row += 2) tile<Ops, 2, NV>(p, row, col);
  if (row < p.rows) tile<Ops, 1, NV>(p, row, col);
}

template <class Ops>
HWY_INLINE void multiply_groups(const GroupProduct& p) {
  std::size_t col = 0;
  if (p.rows == 1) {  // bound by the stream of B, which should pass once
    constexpr std::size_t kCols = Ops::kRowVectors * kGroupLanes;
    for (; col + kCols <= p.cols; col += kCols) tile<Ops, 1, Ops::kRowVectors>(p, 0, col);
  }
  for (; col + Ops::kTileVectors * kGroupLanes <= p.cols; col += Ops::kTileVectors * kGroupLanes) {
    strip<Ops, Ops::kTileVectors>(p, col);
  }
  for (; col < p.cols; col += kGroupLanes) strip<Ops, 1>(p, col);
}

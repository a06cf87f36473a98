// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/group_product.h"

#include <algorithm>

#include "spatten/kernels/simd.h"
#include "spatten/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "spatten/kernels/group_product.cc"
#include <hwy/foreach_target.h>
// After foreach_target: read once per target.
#include <hwy/highway.h>

#include "spatten/kernels/row-inl.h"

#ifndef SPATTEN_KERNELS_GROUP_PRODUCT_ONCE_
#define SPATTEN_KERNELS_GROUP_PRODUCT_ONCE_
namespace spatten::kernels {
namespace {

/// C (rows x cols) += A B over the groups in `spans`, cols a multiple of 16.
struct GroupProduct {
  const std::uint32_t* a = nullptr;  // rows x groups
  std::size_t lda = 0;
  const std::uint32_t* b = nullptr;  // groups x cols
  std::size_t ldb = 0;
  float* c = nullptr;
  std::size_t ldc = 0;
  std::size_t rows = 0, cols = 0;
  const Range* spans = nullptr;
  std::size_t span_count = 0;
  const float* row_scales = nullptr;       // int8
  const float* col_scales = nullptr;
  const std::int32_t* col_sums = nullptr;  // of B, when A is biased
};

}  // namespace
}  // namespace spatten::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace {

using Floats = RowVec;
using Words = hn::RebindToUnsigned<RowTag>;
using Ints = hn::RebindToSigned<RowTag>;
constexpr std::size_t kGroupLanes = kRowLanes;
constexpr std::uint32_t kHigh = 0xFFFF0000u;

// ---------------------------------------------------------------- groups taken apart

#include "spatten/kernels/group_tile-inl.h"

// A group taken apart needs two registers: 4 x 4 sums and 10 more fill 26 of 32 (AVX-512, NEON), 4 x 2 and 6 fill 14 of 16.
#if (HWY_ARCH_X86 && HWY_TARGET <= HWY_AVX3) || HWY_TARGET == HWY_NEON
constexpr int kApartRows = 4, kApartVectors = 4, kApartRowVectors = 4;
#else
constexpr int kApartRows = 4, kApartVectors = 2, kApartRowVectors = 8;
#endif

/// A bf16 is the upper half of a float.
struct Bf16 {
  using Sum = Floats;
  struct Input {
    Floats even, odd;
  };
  using Weights = Input;
  static constexpr int kTileRows = kApartRows, kTileVectors = kApartVectors, kRowVectors = kApartRowVectors;

  static HWY_INLINE Sum zero() { return hn::Zero(RowTag()); }
  static HWY_INLINE Input halves(hn::Vec<Words> groups) {
    const RowTag d;
    return {hn::BitCast(d, hn::ShiftLeft<16>(groups)), hn::BitCast(d, hn::And(groups, hn::Set(Words(), kHigh)))};
  }
  static HWY_INLINE Weights weights(const std::uint32_t* from) { return halves(hn::LoadU(Words(), from)); }
  static HWY_INLINE Input input(std::uint32_t group) { return halves(hn::Set(Words(), group)); }
  static HWY_INLINE Sum dot(Sum sum, const Input& x, const Weights& w) {
    return hn::MulAdd(x.odd, w.odd, hn::MulAdd(x.even, w.even, sum));
  }
  static HWY_INLINE void put(const GroupProduct& p, std::size_t row, std::size_t col, Sum sum) {
    float* to = p.c + row * p.ldc + col;
    hn::StoreU(hn::Add(hn::LoadU(RowTag(), to), sum), RowTag(), to);
  }
};

/// Sums of integers to C.
HWY_INLINE void put_integers(const GroupProduct& p, std::size_t row, std::size_t col, hn::Vec<Ints> sum) {
  const RowTag d;
  float* to = p.c + row * p.ldc + col;
  const auto scale = hn::Mul(hn::Set(d, p.row_scales[row]), hn::LoadU(d, p.col_scales + col));
  hn::StoreU(hn::Add(hn::LoadU(d, to), hn::Mul(hn::ConvertTo(d, sum), scale)), d, to);
}

struct Int8 {
  using Sum = hn::Vec<Ints>;
  static constexpr int kTileRows = kApartRows, kTileVectors = kApartVectors, kRowVectors = kApartRowVectors;

  static HWY_INLINE Sum zero() { return hn::Zero(Ints()); }
#if HWY_ARCH_X86 && HWY_TARGET <= HWY_SSSE3  // better targets are lower
  // Bytes 0, 2 and 1, 3 as pairs of 16 bits. On x86 the operation below is pmaddwd: it adds the products of a pair.
  using Pairs = hn::Repartition<std::int16_t, RowTag>;
  struct Input {
    hn::Vec<Pairs> even, odd;
  };
  static HWY_INLINE Input apart(hn::Vec<Words> groups) {
    const auto pairs = hn::BitCast(Pairs(), groups);
    return {hn::ShiftRight<8>(hn::ShiftLeft<8>(pairs)), hn::ShiftRight<8>(pairs)};
  }
  static HWY_INLINE Sum dot(Sum sum, const Input& x, const Input& w) {
    auto unused = zero();
    sum = hn::ReorderWidenMulAccumulate(Ints(), x.even, w.even, sum, unused);
    return hn::ReorderWidenMulAccumulate(Ints(), x.odd, w.odd, sum, unused);
  }
#else
  struct Input {
    hn::Vec<Ints> byte[4];
  };
  static HWY_INLINE Input apart(hn::Vec<Words> groups) {
    const auto g = hn::BitCast(Ints(), groups);
    return {{hn::ShiftRight<24>(hn::ShiftLeft<24>(g)), hn::ShiftRight<24>(hn::ShiftLeft<16>(g)),
             hn::ShiftRight<24>(hn::ShiftLeft<8>(g)), hn::ShiftRight<24>(g)}};
  }
  static HWY_INLINE Sum dot(Sum sum, const Input& x, const Input& w) {
    for (int i = 0; i < 4; ++i) sum = hn::Add(sum, hn::Mul(x.byte[i], w.byte[i]));
    return sum;
  }
#endif
  using Weights = Input;
  static HWY_INLINE Weights weights(const std::uint32_t* from) { return apart(hn::LoadU(Words(), from)); }
  static HWY_INLINE Input input(std::uint32_t group) { return apart(hn::Set(Words(), group)); }
  static HWY_INLINE void put(const GroupProduct& p, std::size_t row, std::size_t col, Sum sum) {
    put_integers(p, row, col, sum);
  }
};

void multiply_bf16(const GroupProduct& p) { multiply_groups<Bf16>(p); }
void multiply_int8(const GroupProduct& p) { multiply_groups<Int8>(p); }

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_AFTER_NAMESPACE();

// ---------------------------------------------------------------- groups in one instruction
// Highway 1.0 has no target with these two extensions (target.h); they go on top of AVX3.

#if HWY_TARGET == HWY_AVX3
HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512bf16")
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace native_bf16 {
namespace {

#include "spatten/kernels/group_tile-inl.h"

struct Native {
  using Sum = Floats;
  using Weights = hn::Vec<Words>;
  using Input = hn::Vec<Words>;
  static constexpr int kTileRows = 6, kTileVectors = 4, kRowVectors = 4;

  static HWY_INLINE Sum zero() { return hn::Zero(RowTag()); }
  static HWY_INLINE Weights weights(const std::uint32_t* from) { return hn::LoadU(Words(), from); }
  static HWY_INLINE Input input(std::uint32_t group) { return hn::Set(Words(), group); }
  static HWY_INLINE Sum dot(Sum sum, Input x, Weights w) {
    return Sum{_mm512_dpbf16_ps(sum.raw, (__m512bh)x.raw, (__m512bh)w.raw)};
  }
  static HWY_INLINE void put(const GroupProduct& p, std::size_t row, std::size_t col, Sum sum) { Bf16::put(p, row, col, sum); }
};

void multiply(const GroupProduct& p) { multiply_groups<Native>(p); }

}  // namespace
}  // namespace native_bf16
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_POP_ATTRIBUTES

HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512vnni")
namespace spatten::kernels {
namespace HWY_NAMESPACE {
namespace native_int8 {
namespace {

#include "spatten/kernels/group_tile-inl.h"

/// Unsigned times signed bytes: x is biased to be unsigned, which adds the bias times the sum of the weights.
struct Native {
  using Sum = hn::Vec<Ints>;
  using Weights = hn::Vec<Words>;
  using Input = hn::Vec<Words>;
  static constexpr int kTileRows = 6, kTileVectors = 4, kRowVectors = 4;

  static HWY_INLINE Sum zero() { return hn::Zero(Ints()); }
  static HWY_INLINE Weights weights(const std::uint32_t* from) { return hn::LoadU(Words(), from); }
  static HWY_INLINE Input input(std::uint32_t group) { return hn::Set(Words(), group); }
  static HWY_INLINE Sum dot(Sum sum, Input x, Weights w) { return Sum{_mm512_dpbusd_epi32(sum.raw, x.raw, w.raw)}; }
  static HWY_INLINE void put(const GroupProduct& p, std::size_t row, std::size_t col, Sum sum) {
    const auto bias = hn::ShiftLeft<7>(hn::LoadU(Ints(), p.col_sums + col));  // times RoundedRows::kBias
    static_assert(RoundedRows::kBias == 1 << 7);
    put_integers(p, row, col, hn::Sub(sum, bias));
  }
};

void multiply(const GroupProduct& p) { multiply_groups<Native>(p); }

/// Sums of B's columns over the spans.
void sum_columns(const GroupProduct& p, std::int32_t* out) {
  for (std::size_t col = 0; col < p.cols; col += kGroupLanes) {
    auto sum = Native::zero();
    for (std::size_t s = 0; s < p.span_count; ++s) {
      for (std::size_t g = p.spans[s].begin; g < p.spans[s].end; ++g) {
        sum = Native::dot(sum, Native::input(0x01010101u), Native::weights(p.b + g * p.ldb + col));
      }
    }
    hn::StoreU(sum, Ints(), out + col);
  }
}

}  // namespace
}  // namespace native_int8
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace spatten::kernels
HWY_POP_ATTRIBUTES
#endif

#if HWY_ONCE
namespace spatten::kernels {
namespace {

HWY_EXPORT(multiply_bf16);
HWY_EXPORT(multiply_int8);

// A block of the panel, 96 KB at width 64, stays in L2 while all rows pass over it. The sums of int8 run through: they are
// exact, and even the longest panel of BERT-Base has 192 KB.
constexpr std::size_t kDepthBlock = 384;

void run_bf16(GroupProduct p) {
  [[maybe_unused]] const bool native = runs_avx512_bf16();
  const std::span<const Range> spans(p.spans, p.span_count);
  for (const Range span : spans) {
    for (std::size_t g = span.begin; g < span.end; g += kDepthBlock) {
      const Range block{g, std::min(g + kDepthBlock, span.end)};
      p.spans = &block;
      p.span_count = 1;
#if (HWY_TARGETS & HWY_AVX3) != 0
      if (native) {
        N_AVX3::native_bf16::multiply(p);
        continue;
      }
#endif
      HWY_DYNAMIC_DISPATCH(multiply_bf16)(p);
    }
  }
}

void run_int8(GroupProduct p, [[maybe_unused]] const RoundedRows& x, [[maybe_unused]] const std::int32_t* sums) {
#if (HWY_TARGETS & HWY_AVX3) != 0
  if (x.biased()) {
    alignas(64) std::int32_t of_spans[PackedMatrix::kMaxPanelWidth];
    p.col_sums = sums;
    if (!x.all_groups()) {
      N_AVX3::native_int8::sum_columns(p, of_spans);
      p.col_sums = of_spans;
    }
    return N_AVX3::native_int8::multiply(p);
  }
#endif
  HWY_DYNAMIC_DISPATCH(multiply_int8)(p);
}

}  // namespace

void add_group_product(const RoundedRows& x, std::size_t first_row, const PackedMatrix& w, std::size_t panel, Matrix y) {
  const std::size_t width = w.panel_width();
  GroupProduct p;
  p.a = x.row(first_row);
  p.lda = x.stride();
  p.b = w.group_panel(panel);
  p.ldb = width;
  p.c = y.data;
  p.ldc = y.stride;
  p.rows = y.rows;
  p.cols = width;
  p.spans = x.spans().data();
  p.span_count = x.spans().size();
  if (w.precision() == Precision::kBf16) return run_bf16(p);
  p.row_scales = x.scales() + first_row;
  p.col_scales = w.scales() + panel * width;
  run_int8(p, x, w.sums() + panel * width);
}

}  // namespace spatten::kernels
#endif  // HWY_ONCE

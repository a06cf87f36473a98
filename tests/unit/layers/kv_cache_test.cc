// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/kv_cache.h"

#include <gmock/gmock.h>

#include "unit/layers/random_rows.h"

namespace spatten {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::size_t kHeads = 3, kDim = 32;

algo::QuantizationPolicy widths(std::uint32_t key_bits, std::uint32_t msb_bits, std::uint32_t value_bits) {
  algo::QuantizationPolicy q;
  q.key_bits = key_bits;
  q.msb_bits = msb_bits;
  q.value_bits = value_bits;
  return q;
}

/// A cache and, beside it, everything that went in.
struct Filled {
  OwnedMatrix<float> k = random_rows(40, kHeads * kDim, 1), v = random_rows(40, kHeads * kDim, 2);
  KvCache cache;

  Filled(const algo::QuantizationPolicy& q, const std::vector<std::size_t>& pieces) : cache(kHeads, kDim, q) {
    std::size_t done = 0;
    for (const std::size_t n : pieces) {
      std::vector<std::uint32_t> tokens;
      for (std::size_t i = 0; i < n; ++i) tokens.push_back(static_cast<std::uint32_t>(done + i));
      cache.append(k.view().rows_from(done, n), v.view().rows_from(done, n), tokens);
      done += n;
    }
  }
  std::vector<float> key(std::size_t row, std::size_t head) const { return row_of(k.view().cols_from(head * kDim, kDim), row); }
  std::vector<float> value(std::size_t row, std::size_t head) const { return row_of(v.view().cols_from(head * kDim, kDim), row); }
};

std::vector<float> decoded(const kernels::PackedRows& rows, std::size_t row) {
  std::vector<float> out(rows.cols());
  rows.decode_row(row, true, out.data());
  return out;
}

TEST(KvCache, StartsEmpty) {
  const KvCache cache(kHeads, kDim, {});
  EXPECT_EQ(cache.rows(), 0u);
  EXPECT_EQ(cache.bytes(), 0u);
  EXPECT_THAT(cache.tokens(), IsEmpty());
}

TEST(KvCache, KeepsTheRowsOfEveryHeadInTheOrderOfTheirTokens) {
  const Filled f({}, {5, 1, 1, 20, 13});
  ASSERT_EQ(f.cache.rows(), 40u);
  for (std::size_t row = 0; row < 40; ++row) {
    EXPECT_EQ(f.cache.tokens()[row], row);
    for (std::size_t h = 0; h < kHeads; ++h) {
      EXPECT_EQ(row_of(f.cache.keys(h), row), f.key(row, h));
      EXPECT_EQ(row_of(f.cache.values(h), row), f.value(row, h));
    }
  }
}

TEST(KvCache, GrowsByNoMoreThanAQuarter) {
  std::vector<std::size_t> one_by_one(40, 1);
  const Filled f({}, one_by_one);
  EXPECT_GE(f.cache.bytes(), f.cache.dense_bytes(40));
  EXPECT_LE(f.cache.bytes(), f.cache.dense_bytes(50));
  EXPECT_EQ(f.cache.dense_bytes(1), 2 * kHeads * kDim * sizeof(float));
}

TEST(KvCache, MovesUpTheRowsThatStayAndGivesBackTheRest) {
  Filled f({}, {40});
  const std::vector<std::uint32_t> kept{0, 3, 17, 39};
  f.cache.keep(kept);
  EXPECT_THAT(f.cache.tokens(), ElementsAre(0, 3, 17, 39));
  for (std::size_t row = 0; row < kept.size(); ++row) {
    for (std::size_t h = 0; h < kHeads; ++h) {
      EXPECT_EQ(row_of(f.cache.keys(h), row), f.key(kept[row], h));
      EXPECT_EQ(row_of(f.cache.values(h), row), f.value(kept[row], h));
    }
  }
  EXPECT_LE(f.cache.bytes(), f.cache.dense_bytes(6));
}

TEST(KvCache, GoesOnAfterAnEviction) {
  Filled f({}, {40});
  f.cache.keep(std::vector<std::uint32_t>{2, 38});
  f.cache.append(f.k.view().rows_from(7, 1), f.v.view().rows_from(7, 1), std::vector<std::uint32_t>{40});
  EXPECT_THAT(f.cache.tokens(), ElementsAre(2, 38, 40));
  EXPECT_EQ(row_of(f.cache.keys(1), 2), f.key(7, 1));
  EXPECT_EQ(row_of(f.cache.keys(1), 1), f.key(38, 1));
}

TEST(KvCache, CanBeEmptied) {
  for (const auto& q : {algo::QuantizationPolicy{}, widths(8, 0, 8)}) {
    Filled f(q, {40});
    f.cache.keep({});
    EXPECT_EQ(f.cache.rows(), 0u);
    EXPECT_LE(f.cache.bytes(), f.cache.dense_bytes(1));
    f.cache.append(f.k.view().rows_from(0, 2), f.v.view().rows_from(0, 2), std::vector<std::uint32_t>{40, 41});
    EXPECT_THAT(f.cache.tokens(), ElementsAre(40, 41));
  }
}

TEST(KvCache, LeavesEverythingWhenAllRowsStay) {
  Filled f({}, {3});
  const std::size_t before = f.cache.bytes();
  f.cache.keep(std::vector<std::uint32_t>{0, 1, 2});
  EXPECT_EQ(f.cache.rows(), 3u);
  EXPECT_EQ(f.cache.bytes(), before);
}

TEST(KvCache, StoresKAndVInTheirWidthsAndCanEvictThem) {
  Filled f(widths(8, 0, 6), {25, 15});
  ASSERT_TRUE(f.cache.quantized_keys() && f.cache.quantized_values());
  const std::vector<std::uint32_t> kept{1, 20, 33};
  f.cache.keep(kept);
  for (std::size_t h = 0; h < kHeads; ++h) {
    ASSERT_EQ(f.cache.packed_keys(h).rows(), 3u);
    for (std::size_t row = 0; row < 3; ++row) {
      std::vector<float> k = f.key(kept[row], h), v = f.value(kept[row], h);
      kernels::fake_quantise_row(k.data(), kDim, 8);
      kernels::fake_quantise_row(v.data(), kDim, 6);
      EXPECT_EQ(decoded(f.cache.packed_keys(h), row), k);
      EXPECT_EQ(decoded(f.cache.packed_values(h), row), v);
    }
  }
  // 32 + 24 bytes and two scales a row.
  EXPECT_GE(f.cache.bytes(), kHeads * 3 * (32 + 24 + 8));
  EXPECT_LE(f.cache.bytes(), 2 * kHeads * 3 * (32 + 24 + 8));
}

TEST(KvCache, MayQuantizeKeysOrValuesAlone) {
  const Filled keys(widths(0, 8, 0), {40});
  EXPECT_TRUE(keys.cache.quantized_keys());
  EXPECT_FALSE(keys.cache.quantized_values());
  EXPECT_TRUE(keys.cache.packed_keys(0).has_lsb());
  EXPECT_EQ(keys.cache.packed_keys(0).bits(), 12);
  EXPECT_EQ(row_of(keys.cache.values(2), 11), keys.value(11, 2));
  const Filled values(widths(0, 0, 8), {40});
  EXPECT_FALSE(values.cache.quantized_keys());
  EXPECT_TRUE(values.cache.quantized_values());
  EXPECT_EQ(row_of(values.cache.keys(2), 11), values.key(11, 2));
}

}  // namespace
}  // namespace spatten

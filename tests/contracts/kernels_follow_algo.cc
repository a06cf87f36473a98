// SPDX-License-Identifier: Apache-2.0
// The fast kernels and the paper's algorithm in plain code (algo/) are two implementations of the same rules: selection,
// quantization, progressive reading of K, local value pruning. On every instruction set of this CPU.
#include <gtest/gtest.h>

#include <cmath>

#include "spatten/algo/progressive.h"
#include "spatten/algo/quantizer.h"
#include "spatten/algo/reference.h"
#include "spatten/algo/topk.h"
#include "spatten/algo/value_pruning.h"
#include "spatten/base/random.h"
#include "spatten/kernels/quantized_attention.h"
#include "spatten/kernels/topk.h"
#include "support/on_every_target.h"

namespace spatten {
namespace {

OwnedMatrix<float> normal(std::size_t rows, std::size_t cols, std::uint64_t seed, double spread = 1) {
  OwnedMatrix<float> m(rows, cols);
  Random random(seed);
  for (std::size_t i = 0; i < rows * cols; ++i) m.data()[i] = static_cast<float>(random.normal() * spread);
  return m;
}

SPATTEN_ON_EVERY_TARGET(KernelsFollowAlgo);

TEST_P(KernelsFollowAlgo, SelectionKeepsTheSameElements) {
  Random random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<float> x(1 + random.below(200));
    for (float& v : x) {
      v = round % 2 == 0 ? static_cast<float>(random.below(6)) - 2.5f : static_cast<float>(random.normal());
      if (random.below(20) == 0) v = NAN;
      if (random.below(20) == 0) v = -INFINITY;
    }
    const std::size_t k = random.below(x.size() + 2);
    std::vector<std::uint32_t> kept;
    kernels::top_k(x, k, kept);
    ASSERT_EQ(kept, algo::top_k_indices(std::span<const float>(x), k));
  }
}

TEST_P(KernelsFollowAlgo, QuantizationGivesTheSameLevelsAndScales) {
  const auto x = normal(40, 64, 2, 3);
  for (const algo::BitSplit split : algo::kBitSplits) {
    const auto bits = split.msb_bits + split.lsb_bits;
    const algo::QuantizedMatrix expected = algo::quantize(x.view(), bits, algo::Granularity::kRow);
    kernels::PackedRows rows(64, static_cast<int>(split.msb_bits), true);
    for (std::size_t r = 0; r < x.rows(); ++r) {
      rows.append_row(x.row(r));
      ASSERT_EQ(rows.scale(r), expected.scales[r]);
      for (std::size_t c = 0; c < 64; ++c) {
        ASSERT_EQ(rows.integer(r, c, true), expected.level(r, c));
        ASSERT_EQ(rows.integer(r, c, false), algo::msb_level(expected.level(r, c), split.lsb_bits));
      }
    }
  }
}

struct Case {
  std::size_t queries, keys, dim;
  bool causal;
  std::uint32_t query_bits, msb_bits, lsb_bits, value_bits;
  double value_keep;
};

TEST_P(KernelsFollowAlgo, AttentionGivesTheSameRows) {
  const Case cases[] = {
      {1, 70, 64, false, 0, 0, 0, 0, 1},    {33, 33, 64, true, 0, 0, 0, 0, 1},    {20, 50, 32, false, 0, 0, 0, 0, 0.3},
      {1, 90, 64, false, 12, 6, 4, 6, 0.2}, {25, 40, 64, true, 12, 8, 4, 8, 0.5}, {9, 60, 128, false, 8, 4, 4, 12, 1},
      {1, 30, 64, true, 12, 8, 0, 8, 1},
  };
  std::size_t flat_rows = 0, rows = 0;
  kernels::AttentionScratch scratch;
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::Message() << c.queries << " x " << c.keys << " x " << c.dim << ", K " << c.msb_bits << "+" << c.lsb_bits);
    auto q = normal(c.queries, c.dim, 3, 1.5);
    const auto k = normal(c.keys, c.dim, 4), v = normal(c.keys, c.dim, 5);
    algo::AttentionSetting setting;
    setting.quantization.query_bits = c.query_bits;
    setting.quantization.msb_bits = c.msb_bits;
    setting.quantization.lsb_bits = c.lsb_bits;
    setting.quantization.value_bits = c.value_bits;
    setting.value.keep = c.value_keep;
    setting.causal = c.causal;
    const algo::HeadResult expected = algo::attend_head(q.view(), k.view(), v.view(), setting);

    if (c.query_bits > 0) {
      for (std::size_t i = 0; i < c.queries; ++i) kernels::fake_quantise_row(q.row(i), c.dim, static_cast<int>(c.query_bits));
    }
    kernels::PackedRows pk(c.dim, c.msb_bits > 0 ? static_cast<int>(c.msb_bits) : 8, c.lsb_bits > 0);
    kernels::PackedRows pv(c.dim, c.value_bits > 0 ? static_cast<int>(c.value_bits) : 8, false);
    for (std::size_t j = 0; j < c.keys; ++j) {
      pk.append_row(k.row(j));
      pv.append_row(v.row(j));
    }
    OwnedMatrix<float> out(c.queries, c.dim);
    std::vector<float> sums(c.keys);
    std::vector<std::uint8_t> lsb(c.queries);
    std::vector<std::uint32_t> keeps(c.queries);
    for (std::size_t i = 0; i < c.queries; ++i) {
      keeps[i] = algo::value_keep_count(setting.value, 0, c.causal ? c.keys - c.queries + i + 1 : c.keys);
    }
    float magnitude = 0;
    kernels::QuantizedAttentionHead head;
    head.q = q.view();
    head.out = out.view();
    head.scale = 1 / std::sqrt(static_cast<float>(c.dim));
    head.causal = c.causal;
    head.causal_offset = c.keys - c.queries;
    head.column_sums = sums.data();
    if (c.value_keep < 1) head.value_keeps = keeps;
    head.magnitude = &magnitude;
    if (c.msb_bits > 0) {
      head.k = &pk;
    } else {
      head.k_float = k.view();
    }
    if (c.value_bits > 0) {
      head.v_packed = &pv;
    } else {
      head.v = v.view();
    }
    head.threshold = static_cast<float>(setting.quantization.threshold);
    head.lsb_rows = lsb.data();
    attention_head(head, scratch);

    for (std::size_t i = 0; i < c.queries; ++i) {
      ASSERT_EQ(lsb[i] != 0, expected.rows[i].used_lsb);
      for (std::size_t d = 0; d < c.dim; ++d) ASSERT_NEAR(out(i, d), expected.rows[i].out[d], 1e-5) << i << ' ' << d;
      flat_rows += lsb[i];
      ++rows;
    }
    for (std::size_t j = 0; j < c.keys; ++j) ASSERT_NEAR(sums[j], expected.column_sums[j], 1e-5 * (1 + expected.column_sums[j]));
    ASSERT_NEAR(magnitude, expected.out_magnitude, 1e-5 * expected.out_magnitude);
  }
  EXPECT_GT(flat_rows, 0u);
  EXPECT_LT(flat_rows, rows);
}

}  // namespace
}  // namespace spatten

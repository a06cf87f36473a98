// SPDX-License-Identifier: Apache-2.0
#include "spatten/kernels/packed_rows.h"

#include <cfloat>
#include <limits>

#include "support/on_every_target.h"

namespace spatten::kernels {
namespace {

struct Format {
  int msb_bits;
  bool has_lsb;
  std::size_t msb_bytes_per_64;
};

std::vector<Format> formats() {
  std::vector<Format> list;
  for (const auto& [bits, bytes] : std::vector<std::pair<int, std::size_t>>{
           {4, 32}, {5, 48}, {6, 48}, {7, 64}, {8, 64}, {9, 80}, {10, 80}, {11, 96}, {12, 96}}) {
    list.push_back({bits, false, bytes});
    if (bits % 2 == 0) list.push_back({bits, true, bytes});
  }
  return list;
}

class PackedRowsFormats : public testing::TestWithParam<Format> {
 protected:
  void TearDown() override { force_target(""); }
};
INSTANTIATE_TEST_SUITE_P(Format, PackedRowsFormats, testing::ValuesIn(formats()), [](const auto& format) {
  return std::to_string(format.param.msb_bits) + (format.param.has_lsb ? "plus4" : "");
});

/// By the definition, in the default rounding mode (nearest, ties to even).
int level(float x, float scale, int bits) {
  const float limit = static_cast<float>((1 << (bits - 1)) - 1);
  return static_cast<int>(std::nearbyint(std::min(limit, std::max(-limit, x / scale))));
}

TEST_P(PackedRowsFormats, QuantisesAndReadsBackEveryPart) {
  const Format f = GetParam();
  const std::vector<std::string> targets = available_targets();
  for (const std::size_t cols : {16u, 32u, 48u, 64u, 128u}) {
    PackedRows rows(cols, f.msb_bits, f.has_lsb);
    const Sample x(9, cols, cols);
    for (std::size_t r = 0; r < 9; ++r) rows.append_row(x.view().row(r));
    EXPECT_EQ(rows.msb_bytes_per_row(), f.msb_bytes_per_64 * cols / 64);
    EXPECT_EQ(rows.lsb_bytes_per_row(), f.has_lsb ? cols / 2 : 0);
    for (std::size_t r = 0; r < 9; ++r) {
      float largest = 0;
      for (std::size_t c = 0; c < cols; ++c) largest = std::max(largest, std::fabs(x(r, c)));
      const float scale = largest / static_cast<float>((1 << (rows.bits() - 1)) - 1);
      ASSERT_EQ(rows.scale(r), scale);
      force_target(targets[r % targets.size()]);
      std::vector<float> whole(cols), high(cols);
      rows.decode_row(r, true, whole.data());
      rows.decode_row(r, false, high.data());
      for (std::size_t c = 0; c < cols; ++c) {
        const int q = level(x(r, c), scale, rows.bits());
        const int top = f.has_lsb ? q >> 4 << 4 : q;
        ASSERT_EQ(rows.integer(r, c, true), q);
        ASSERT_EQ(rows.integer(r, c, false), top);
        ASSERT_EQ(whole[c], static_cast<float>(q) * scale);
        ASSERT_EQ(high[c], static_cast<float>(top) * scale);
      }
    }
  }
}

TEST_P(PackedRowsFormats, MovesAndForgetsRows) {
  const Format f = GetParam();
  PackedRows rows(32, f.msb_bits, f.has_lsb);
  const Sample x(6, 32, 1);
  for (std::size_t r = 0; r < 6; ++r) rows.append_row(x.view().row(r));
  const PackedRows before = rows;
  rows.move_row(1, 4);
  rows.truncate(2);
  rows.shrink();
  EXPECT_EQ(rows.rows(), 2u);
  EXPECT_EQ(rows.memory_bytes(), 2 * (rows.msb_bytes_per_row() + rows.lsb_bytes_per_row() + sizeof(float)));
  rows.append_row(x.view().row(5));
  const std::size_t from[3] = {0, 4, 5};
  for (std::size_t r = 0; r < 3; ++r) {
    EXPECT_EQ(rows.scale(r), before.scale(from[r]));
    for (std::size_t c = 0; c < 32; ++c) EXPECT_EQ(rows.integer(r, c, true), before.integer(from[r], c, true));
  }
}

TEST(PackedRows, RoundsHalvesToEvenAndClamps) {
  PackedRows rows(16, 8, false);
  std::vector<float> x{0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 200, -200, 0.49f, 126.5f, 127.4f, 0, -0.0f, 3, -3, 1};
  rows.append_row(x.data(), 1.0f);
  const int expected[16] = {0, 2, 2, 0, -2, -2, 127, -127, 0, 126, 127, 0, 0, 3, -3, 1};
  for (std::size_t c = 0; c < 16; ++c) EXPECT_EQ(rows.integer(0, c, true), expected[c]) << c;
}

TEST(PackedRows, TakesZerosTinyAndNonFiniteValues) {
  PackedRows rows(16, 6, true);
  std::vector<float> x(16, 0.0f);
  rows.append_row(x.data());
  EXPECT_EQ(rows.integer(0, 3, true), 0);
  EXPECT_EQ(rows.scale(0), FLT_MIN);
  x[0] = std::numeric_limits<float>::denorm_min();
  rows.append_row(x.data());
  EXPECT_EQ(rows.integer(1, 0, true), 0);
  x = std::vector<float>(16, NAN);
  x[1] = std::numeric_limits<float>::infinity();
  rows.append_row(x.data(), 1.0f);
  EXPECT_EQ(rows.integer(2, 0, true), -511);  // NaN, as in algo/quantizer
  EXPECT_EQ(rows.integer(2, 1, true), 511);
}

TEST(PackedRows, RefusesFormatsThatDoNotExist) {
  EXPECT_THROW(PackedRows(24, 8, false), Bug);
  EXPECT_THROW(PackedRows(0, 8, false), Bug);
  EXPECT_THROW(PackedRows(16, 3, false), Bug);
  EXPECT_THROW(PackedRows(16, 13, false), Bug);
  EXPECT_THROW(PackedRows(16, 7, true), Bug);
  PackedRows rows(16, 8, false);
  EXPECT_THROW(rows.truncate(1), Bug);
  EXPECT_THROW(rows.move_row(0, 0), Bug);
}

TEST(FakeQuantise, EqualsQuantisingAndReadingBack) {
  for (int bits = 4; bits <= 12; ++bits) {
    const Sample x(1, 48, bits);
    Sample y = x;
    fake_quantise_row(y.view().data, 48, bits);
    PackedRows rows(48, bits, false);
    rows.append_row(x.view().data);
    std::vector<float> expected(48);
    rows.decode_row(0, true, expected.data());
    for (std::size_t c = 0; c < 48; ++c) ASSERT_EQ(y(0, c), expected[c]);
  }
}

}  // namespace
}  // namespace spatten::kernels

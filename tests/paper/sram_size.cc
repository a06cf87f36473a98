// SPDX-License-Identifier: Apache-2.0
// F2: 196,608 bytes of K and of V: two buffers of 1024 rows of 64 values of 12 bits (HPCA'21 V-C).
#include "paper/claim.h"
#include "paper/lab.h"

namespace spatten {
namespace {

TEST(PaperSramSize, HoldsTwoHeadsOfTheLongestContext) {
  const sim::ChipSpec chip = chip_setup("spatten").chip;
  const auto bytes = [&](const sim::Sram::Spec& sram) { return sram.lines * chip.array.multipliers * 12.0 / 8.0; };
  expect_exact(claim({.id = "F2",
                      .what = "K SRAM",
                      .paper = published("architecture", {"key_sram_bytes"}),
                      .ours = bytes(chip.key_sram),
                      .unit = "B"}));
  expect_exact(claim({.id = "F2",
                      .what = "V SRAM",
                      .paper = published("architecture", {"value_sram_bytes"}),
                      .ours = bytes(chip.value_sram),
                      .unit = "B"}));
  EXPECT_EQ(chip.key_sram.lines * chip.results_per_line(), 2 * chip.rows.max_keys);
}

}  // namespace
}  // namespace spatten

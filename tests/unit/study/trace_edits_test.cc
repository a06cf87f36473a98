// SPDX-License-Identifier: Apache-2.0
// Traces seen differently: some steps, other widths.
#include "spatten/study/trace_edits.h"

#include <gtest/gtest.h>

#include "spatten/trace/synthetic.h"

namespace spatten {
namespace {

trace::Workload small() {
  trace::Workload work;
  work.model = "small";
  work.shape = {.layers = 3, .heads = 4, .head_dim = 64, .max_positions = 128, .causal = true};
  work.prompt_length = 40;
  work.generated_tokens = 5;
  work.prompt_pass = false;
  work.policy.quantization.msb_bits = 8;
  work.policy.quantization.value_bits = 8;
  return work;
}

TEST(ChosenSteps, PassesTheWantedStepsUnchanged) {
  trace::SyntheticSource source(small()), all(small());
  ChosenSteps chosen(source, [](std::uint32_t step) { return step == 1 || step == 4; });
  trace::Record record, expected;
  std::size_t seen = 0;
  while (all.next(expected)) {
    if (expected.step != 1 && expected.step != 4) continue;
    ASSERT_TRUE(chosen.next(record));
    EXPECT_EQ(record, expected);
    ++seen;
  }
  EXPECT_EQ(seen, 2u * 3 * 4);
  EXPECT_FALSE(chosen.next(record));
}

TEST(RestoredTrace, ChangesWidthsAndNothingElse) {
  trace::SyntheticSource source(small()), plain(small());
  RestoredTrace restored(
      source, {.query_bits = 12, .key_msb_bits = 6, .key_lsb_bits = 4, .value_bits = 6, .lsb_row_ratio = 0.25});
  trace::Record record, before;
  std::uint64_t rows = 0, lsb_rows = 0;
  while (restored.next(record)) {
    ASSERT_TRUE(plain.next(before));
    EXPECT_EQ(record.key_msb_bits, 6);
    EXPECT_EQ(record.value_bits, 6);
    EXPECT_GT(record.threshold, 0);
    EXPECT_EQ(record.keys, before.keys);
    EXPECT_EQ(record.values, before.values);
    rows += record.rows;
    lsb_rows += record.lsb_rows;
  }
  EXPECT_EQ(lsb_rows * 4, rows);
}

TEST(RestoredTrace, InFullPrecisionReadsNoLowBits) {
  trace::SyntheticSource source(small());
  RestoredTrace restored(source,
                         {.query_bits = 0, .key_msb_bits = 0, .key_lsb_bits = 0, .value_bits = 0, .lsb_row_ratio = {}});
  trace::Record record;
  while (restored.next(record)) {
    EXPECT_EQ(record.lsb_rows, 0u);
    EXPECT_EQ(record.threshold, 0);
  }
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// F11: the datapath alone, dense and in 32 bits, on GPT-2-Medium: 22.1 times TITAN Xp (HPCA'21 Fig. 20). The figure is
// the mean of both sizes, so that Medium alone may take 1,343 to 1,587 cycles a row.
#include "paper/claim.h"
#include "paper/lab.h"

namespace spatten {
namespace {

/// One token from the middle, context 1,009: the 32 differ by 3 % at most.
void check(trace::Source& source, const std::string& what) {
  ChosenSteps middle(source, [](std::uint32_t step) { return step == 16; });
  const Tally t = run_whole(middle, chip_setup("spatten"));
  const double cycles = t.seconds * 1e9 / t.rows;
  const double low = published("gpt2_latency", {"dense_32_bit_cycles_per_row", "low"}),
               high = published("gpt2_latency", {"dense_32_bit_cycles_per_row", "high"});
  const Claim c = claim({.id = "F11",
                         .what = what,
                         .paper = low,
                         .ours = cycles,
                         .unit = "cycles/row",
                         .remark = fmt::format("range to be in: {:.0f} to {:.0f}", low, high)});
  EXPECT_GE(c.ours, low);
  EXPECT_LE(c.ours, high);
}

TEST(PaperDenseDatapath, OnTheAuthorsTraceTakesAsLongAsPublished) {
  SPATTEN_NEEDS(kMediumDenseTrace);
  AuthorsTrace trace(kMediumDenseTrace, kFullPrecision);
  check(trace, "Medium/PTB trace, dense, fp32");
}

TEST(PaperDenseDatapath, OnTheSameShapeTakesAsLongAsPublished) {
  trace::SyntheticSource trace(
      gpt2("medium", {"token.keep=1", "head.keep=1", "value.keep=1", "quantization.query_bits=0",
                      "quantization.value_bits=0", "quantization.msb_bits=0"})
          .workload);
  check(trace, "GPT-2-Medium, dense, fp32");
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// F21: comparators of the top-k engine and size of the SRAMs (HPCA'21 Fig. 19), on GPT-2-Medium/WikiText-2: speed over
// that of the chip as built. The paper names neither its application nor its unit of work, so shapes are compared.
#include <map>

#include "paper/claim.h"
#include "paper/lab.h"

namespace spatten {
namespace {

const std::string kCommand =
    "spatten simulate --model gpt2-medium --policy paper-gpt2-medium --set token.reference_length=1024 "
    "--set value.reference_length=1024 --set ";

double milliseconds(const std::vector<std::string>& chip) {
  return run_sampled([] { return medium_wikitext2(); }, 32, chip_setup("spatten", chip)).seconds * 1e3;
}

TEST(PaperDesignSpace, SpeedSaturatesAtSixteenComparators) {
  std::map<int, double> ms;
  for (int lanes : {1, 2, 4, 8, 16, 32}) ms[lanes] = milliseconds({"topk.lanes=" + std::to_string(lanes)});
  const double paper_16 = published("figure_19", {"topk_lanes", "16"});
  for (int lanes : {1, 2, 4, 8, 32}) {
    claim({.id = "F21",
           .what = "top-k lanes: " + std::to_string(lanes) + " against 16",
           .paper = published("figure_19", {"topk_lanes", std::to_string(lanes)}) / paper_16,
           .ours = ms[16] / ms[lanes],
           .unit = "speed",
           .remark = lanes == 1    ? "the paper's curve fits time = a + b / lanes, where a selection delays all else; "
                                     "here it overlaps with other rows"
                     : lanes == 32 ? "at the end of each layer nothing is left that a selection could overlap with; "
                                     "with `barrier=step` it is 1.01"
                                   : "",
           .command = kCommand + "topk.lanes=" + std::to_string(lanes)});
  }
  for (int lanes : {1, 2, 4}) EXPECT_GT(ms[lanes] / ms[2 * lanes], 1.5) << lanes;  // almost in proportion
  EXPECT_GT(ms[8] / ms[16], 1.25);
  EXPECT_GE(ms[16] / ms[32], 1.0);
  EXPECT_LT(ms[16] / ms[32], 1.08);
}

TEST(PaperDesignSpace, LargerSramsHelpLittle) {
  const double built = milliseconds({}), paper = published("figure_19", {"sram_kb", "196"});
  for (int times : {2, 4}) {
    const std::string lines = std::to_string(256 * times);
    const Claim c = claim({.id = "F21",
                           .what = fmt::format("K and V SRAM: {} KB against 196", 196 * times),
                           .paper = published("figure_19", {"sram_kb", std::to_string(196 * times)}) / paper,
                           .ours = built / milliseconds({"key_sram.lines=" + lines, "value_sram.lines=" + lines}),
                           .unit = "speed",
                           .remark = {},
                           .command = kCommand + "key_sram.lines=" + lines + " --set value_sram.lines=" + lines});
    EXPECT_NEAR(c.ours, 1.0, 0.015);
  }
}

}  // namespace
}  // namespace spatten

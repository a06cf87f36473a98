// SPDX-License-Identifier: Apache-2.0
// F12: where the speedup over TITAN Xp comes from (HPCA'21 Fig. 20): geometric mean of GPT-2-Small and -Medium under
// the average policy, switched on step by step.
#include "paper/claim.h"
#include "paper/lab.h"

namespace spatten {
namespace {

const std::vector<std::string> kFp32 = {"quantization.query_bits=0", "quantization.value_bits=0",
                                        "quantization.msb_bits=0"};
const std::vector<std::string> kDense = {"token.keep=1", "head.keep=1", "value.keep=1"};

std::vector<std::string> joined(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

struct Step {
  std::vector<std::string> policy = {}, chip = {};  // overrides
  double lsb_row_ratio = trace::kPaperLsbRowRatio;
};

double speedup(const Step& step) {
  const ChipSetup setup = chip_setup("spatten", step.chip);
  std::vector<double> ratios;
  for (const char* size : {"small", "medium"}) {
    PaperBenchmark benchmark = gpt2(size, step.policy);
    benchmark.workload.lsb_row_ratio = step.lsb_row_ratio;
    ratios.push_back(published("gpt2_latency", {std::string("gpt2-") + size, "titan_xp"}) /
                     (run(benchmark, setup).seconds * 1e3));
  }
  return geometric_mean(ratios);
}

TEST(PaperSpeedupBreakdown, OverTitanXp) {
  const auto paper = [](const char* step) { return published("figure_20", {step}); };
  const double dense = speedup({.policy = joined(kFp32, kDense)}),
               serial = speedup({.policy = kFp32, .chip = {"topk.lanes=1"}}), pruned = speedup({.policy = kFp32});
  const auto both_planes = [](const std::string& value_bits) {
    return speedup(
        {.policy = {"quantization.msb_bits=8", "quantization.key_bits=12", "quantization.value_bits=" + value_bits},
         .lsb_row_ratio = 1});
  };
  const auto one_pass = [](const std::string& value_bits) {
    return speedup(
        {.policy = {"quantization.msb_bits=0", "quantization.key_bits=12", "quantization.value_bits=" + value_bits}});
  };
  const double all = speedup({});
  expect_within(claim({.id = "F12", .what = "dense, 32 bits", .paper = paper("datapath"), .ours = dense}), 0.20);
  expect_within(
      claim({.id = "F12", .what = "+ pruning, one comparator", .paper = paper("pruning_serial_topk"), .ours = serial}),
      0.20);
  expect_within(claim({.id = "F12", .what = "+ 16 comparators", .paper = paper("pruning"), .ours = pruned}), 0.20);
  expect_within(
      claim({.id = "F12",
             .what = "+ static quantization to 12 bits, K in planes of 8 and 4 that all rows read",
             .paper = paper("static_quantization"),
             .ours = both_planes("12"),
             .remark = "the published RTL, too, runs a 12-bit trace in two passes, the low bits from a place of "
                       "their own. The paper does not say how this step is stored",
             .command = "spatten simulate --model gpt2-medium --policy paper-average-gpt2 --lsb-ratio 1 --set "
                        "quantization.value_bits=12"}),
      0.20);
  expect_ours(claim({.id = "F12",
                     .what = "the same, but V in 8 bits",
                     .paper = paper("static_quantization"),
                     .ours = both_planes("8"),
                     .remark = "the widths of the authors' trace of that step (Medium/WikiText-2)"}),
              146, 0.10);
  expect_ours(
      claim({.id = "F12",
             .what = "+ static quantization to 12 bits, read in one pass",
             .paper = paper("static_quantization"),
             .ours = one_pass("12"),
             .remark = "then the next step has at most 1.5 times fewer bytes to gain its 1.76 from, in the paper"}),
      176, 0.10);
  expect_ours(
      claim(
          {.id = "F12", .what = "one pass, V in 8 bits", .paper = paper("static_quantization"), .ours = one_pass("8")}),
      182, 0.10);
  expect_within(claim({.id = "F12",
                       .what = "+ progressive quantization",
                       .paper = paper("progressive_quantization"),
                       .ours = all,
                       .remark = "as F10: scattered rows of 64 bytes"}),
                0.20);
}

}  // namespace
}  // namespace spatten

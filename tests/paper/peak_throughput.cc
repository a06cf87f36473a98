// SPDX-License-Identifier: Apache-2.0
// F1, F3: peak rates (HPCA'21 Table I, IV-B, V-C), as the chip's file has them and as its units reach them in a cycle.
#include "paper/claim.h"
#include "paper/lab.h"

namespace spatten {
namespace {

/// A dense sentence that keeps the arrays busy, on a memory that keeps nothing waiting.
ChipRun long_sentence() {
  ChipSetup setup = chip_setup("spatten");
  setup.memory_file = "ideal:20";
  trace::Workload work;
  work.model = "dense";
  work.shape = {.layers = 1, .heads = 2, .head_dim = 64, .max_positions = 512, .causal = false};
  work.prompt_length = 480;
  work.policy.quantization.query_bits = work.policy.quantization.key_bits = work.policy.quantization.value_bits = 8;
  trace::SyntheticSource source(work);
  return run_on_chip(source, "dense", setup);
}

double per_busy_cycle(const sim::Result& result, const std::string& unit, const std::string& counter) {
  for (const sim::UnitResult& u : result.units) {
    if (u.name == unit) return static_cast<double>(u.counter(counter)) / static_cast<double>(u.activity.busy());
  }
  ADD_FAILURE() << "no unit " << unit;
  return 0;
}

TEST(PaperPeakThroughput, IsTwoTeraflopsAtHalfATerabytePerSecond) {
  const ChipSetup setup = chip_setup("spatten");
  const sim::ChipSpec& chip = setup.chip;
  const auto memory = setup.make_memory();
  expect_exact(claim({.id = "F1",
                      .what = "multipliers",
                      .paper = published("architecture", {"multipliers"}),
                      .ours = 2.0 * chip.array.multipliers}));
  expect_exact(claim({.id = "F1",
                      .what = "clock",
                      .paper = published("architecture", {"clock_hz"}) / 1e9,
                      .ours = chip.clock_hz / 1e9,
                      .unit = "GHz"}));
  const Claim peak = claim({.id = "F1",
                            .what = "peak work",
                            .paper = published("architecture", {"peak_ops_per_second"}) / 1e12,
                            .ours = 2.0 * 2.0 * chip.array.multipliers * chip.clock_hz / 1e12,
                            .unit = "TFLOPS",
                            .remark = "1024 multiply-adds a cycle, printed as 2"});
  EXPECT_EQ(std::round(peak.ours), peak.paper);
  expect_exact(claim({.id = "F1",
                      .what = "peak bandwidth",
                      .paper = published("architecture", {"peak_bytes_per_second"}) / 1e9,
                      .ours = memory->peak_bytes_per_clock() * memory->clock_hz() / 1e9,
                      .unit = "GB/s"}));
}

TEST(PaperPeakThroughput, UnitsDoTheirShareInEachBusyCycle) {
  const sim::ChipSpec chip = chip_setup("spatten").chip;
  const ChipRun run = long_sentence();
  const Claim scores = claim({.id = "F3",
                              .what = "scores a cycle, Q x K",
                              .paper = published("architecture", {"scores_per_cycle"}),
                              .ours = std::round(per_busy_cycle(run.result, "qk", "multiplies") / 64 * 100) / 100,
                              .remark = "512 multiplies in each cycle in which the array works"});
  expect_exact(scores);
  expect_exact(claim({.id = "F3",
                      .what = "probabilities a cycle, softmax",
                      .paper = published("architecture", {"softmax_per_cycle"}),
                      .ours = static_cast<double>(chip.results_per_line())}));
  expect_exact(claim({.id = "F3",
                      .what = "comparators of an array, top-k",
                      .paper = published("architecture", {"topk_comparators"}),
                      .ours = static_cast<double>(chip.topk.lanes)}));
  expect_exact(claim({.id = "F3",
                      .what = "ports of the crossbars, lanes",
                      .paper = published("architecture", {"fetch_lanes"}),
                      .ours = static_cast<double>(chip.fetcher.lanes)}));
  expect_exact(claim({.id = "F3",
                      .what = "ports of the crossbars, channels",
                      .paper = published("architecture", {"channels"}),
                      .ours = static_cast<double>(chip.channels)}));
}

TEST(PaperPeakThroughput, IsAlmostReachedOnALongSentence) {
  const ChipRun run = long_sentence();
  EXPECT_GT(run.tflops_executed(), 1.7);  // the softmax reads a row of 60 lines twice
  EXPECT_LT(run.tflops_executed(), 2.048);
}

}  // namespace
}  // namespace spatten

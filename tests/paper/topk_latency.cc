// SPDX-License-Identifier: Apache-2.0
// F4: the quick-select engine's worst case, the median of 1024, by the authors' recurrence. The spread of one draw is a
// quarter of the mean, so that many are needed.
#include "paper/claim.h"
#include "paper/lab.h"
#include "spatten/algo/topk.h"
#include "spatten/sim/accelerator/selection_model.h"

namespace spatten {
namespace {

constexpr int kDraws = 2000;

TEST(PaperTopkLatency, IsThatOfTheAuthorsRecurrence) {
  const auto n = static_cast<std::uint32_t>(published("topk", {"elements"})),
             k = static_cast<std::uint32_t>(published("topk", {"keep"}));
  const double paper = published("topk", {"mean_cycles"});
  Random values(1), ranks(2);
  double by_values = 0, by_ranks = 0;
  for (int i = 0; i < kDraws; ++i) {
    by_values += static_cast<double>(algo::topk_latency_cycles(n, k, 16, values)) / kDraws;
    by_ranks += sim::select_random_ranks(n, k, {}, ranks).cycles / static_cast<double>(kDraws);
  }
  expect_within(claim({.id = "F4",
                       .what = "1024 to 512, random values",
                       .paper = paper,
                       .ours = by_values,
                       .unit = "cycles",
                       .remark = "mean of 2,000 draws"}),
                0.05);
  expect_within(claim({.id = "F4",
                       .what = "1024 to 512, as the simulator draws it",
                       .paper = paper,
                       .ours = by_ranks,
                       .unit = "cycles",
                       .remark = "mean of 2,000 draws"}),
                0.05);
}

}  // namespace
}  // namespace spatten

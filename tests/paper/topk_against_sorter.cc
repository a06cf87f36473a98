// SPDX-License-Identifier: Apache-2.0
// F5: selection against sorting, 1024 elements, the median (HPCA'21 IV-C). The sorter is the merge sorter of
// study/baselines, as wide as the engine. Both costs end when the row has left: the selection and the filter after it.
#include "paper/claim.h"
#include "paper/lab.h"
#include "spatten/sim/accelerator/selection_model.h"
#include "spatten/study/baselines/batcher_sorter.h"

namespace spatten {
namespace {

TEST(PaperTopkAgainstSorter, SelectsFasterThanItSorts) {
  const auto n = static_cast<std::uint32_t>(published("topk", {"elements"})),
             k = static_cast<std::uint32_t>(published("topk", {"keep"}));
  const sim::SelectionCost cost;
  const BatcherSorter sorter({.lanes = cost.lanes, .pass_overhead_cycles = cost.overhead});
  Random random(1);
  double select_cycles = 0, select_compares = 0, sort_cycles = 0, sort_compares = 0;
  const int draws = 400;
  for (int i = 0; i < draws; ++i) {
    std::vector<std::uint32_t> values(n);
    for (std::uint32_t& v : values) v = static_cast<std::uint32_t>(random.below(1u << 31));
    const BatcherSorter::Cost sorted = sorter.sort(values);
    sort_cycles += static_cast<double>(sorted.cycles) / draws;
    sort_compares += static_cast<double>(sorted.compares) / draws;
    const sim::Selection selected = sim::select_random_ranks(n, k, cost, random);
    select_cycles += selected.cycles / static_cast<double>(draws);
    select_compares += 2.0 * static_cast<double>(selected.compares) / draws;  // both arrays look at each element
  }
  select_cycles += n / cost.lanes + cost.overhead;  // the filter
  select_compares += n;
  expect_within(
      claim({.id = "F5",
             .what = "throughput over a Batcher merge sorter",
             .paper = published("topk", {"throughput_over_sorter"}),
             .ours = sort_cycles / select_cycles,
             .remark = "sorter assumed as wide as the engine, each pass as dear; with the filter behind the next row's "
                       "selection it would be " +
                       fmt::format("{:.2f}", sort_cycles / (select_cycles - n / cost.lanes - cost.overhead))}),
      0.20);
  const Claim power =
      claim({.id = "F5",
             .what = "comparators at work in a cycle, sorter over engine",
             .paper = published("topk", {"power_under_sorter"}),
             .ours = (sort_compares / sort_cycles) / (select_compares / select_cycles),
             .remark = "the paper measured power; comparisons stand in for it. Per row the sorter makes " +
                       fmt::format("{:.1f} times as many", sort_compares / select_compares)});
  expect_ours(power, 2.2, 0.10);
}

}  // namespace
}  // namespace spatten

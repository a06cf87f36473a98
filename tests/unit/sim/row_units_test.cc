// SPDX-License-Identifier: Apache-2.0
// The units that lines of a row pass between the two arrays: softmax, decision, reorder buffer, local top-k.
#include <gtest/gtest.h>

#include "spatten/sim/units/requant_unit.h"
#include "spatten/sim/units/softmax_unit.h"
#include "spatten/sim/units/topk_engine.h"
#include "support/unit_bench.h"

namespace spatten::sim {
namespace {

/// Feeds one line per cycle from `at` on.
void feed_row(Feeder<Line>& feeder, Cycles at, Row& row, std::uint32_t lines, bool thrown = false) {
  for (std::uint32_t i = 0; i < lines; ++i) feeder.feed(at + i, {&row, i, 8, i == 0, i + 1 == lines, thrown});
}

Row row_of(std::uint32_t keys, std::uint32_t values) {
  Row row;
  row.keys = keys;
  row.values = values;
  row.select_values = values < keys;
  return row;
}

std::vector<Row*> rows_of(const std::vector<Line>& lines) {
  std::vector<Row*> rows;
  for (const Line& line : lines) {
    if (rows.empty() || rows.back() != line.row) rows.push_back(line.row);
  }
  return rows;
}

template <class U>
struct LineBench {
  template <class... Args>
  explicit LineBench(Args&&... args) : unit(std::forward<Args>(args)...) {
    connect(feeder.out, unit.in);
    connect(unit.out, lines.in);
  }
  void run(std::size_t count) {
    run_units({&feeder, &unit, &lines}, [&] { return lines.items.size() == count; });
  }
  Feeder<Line> feeder;
  U unit;
  Drain<Line> lines;
};

TEST(SoftmaxUnit, ARowLeavesWhenItsSumIsThereAndTheNextArrivesMeanwhile) {
  LineBench<SoftmaxUnit> bench(SoftmaxUnit::Spec{87, 16}, 1u, 8u, nullptr);
  Row a = row_of(32, 32), b = row_of(32, 32);
  feed_row(bench.feeder, 0, a, 4);
  feed_row(bench.feeder, 4, b, 4);
  bench.run(8);
  // The last score of `a` is taken in cycle 4; 87 cycles later the first probability leaves.
  EXPECT_EQ(bench.lines.at.front(), 4u + 87 + 1);
  EXPECT_EQ(bench.lines.at.back(), 4u + 87 + 1 + 7);
}

TEST(SoftmaxUnit, WithoutLatencyItIsAWire) {
  LineBench<SoftmaxUnit> bench(SoftmaxUnit::Spec{0, 16}, 8u, 8u, nullptr);
  Row a = row_of(16, 16);
  feed_row(bench.feeder, 10, a, 2);
  bench.run(2);
  EXPECT_EQ(bench.lines.at, (std::vector<Cycles>{10 + 8 + 1, 11 + 8 + 1}));
}

struct DecisionBench : LineBench<RequantUnit> {
  explicit DecisionBench(std::uint32_t decided_rows)
      : LineBench<RequantUnit>(RequantUnit::Spec{decided_rows}, RequantUnit::Shape{8, 256}, nullptr) {
    connect(unit.decisions, decisions.in);
  }
  void run(std::size_t count) {
    run_units({&feeder, &unit, &lines, &decisions},
              [&] { return lines.items.size() == count && decisions.items.size() > 0; });
  }
  Drain<Decision> decisions;
};

TEST(RequantUnit, DecidesWhenTheTreeHasSeenTheLastLine) {
  DecisionBench bench(1);
  Row a = row_of(32, 32);
  a.replay = true;
  feed_row(bench.feeder, 0, a, 4);
  bench.run(4);
  // Last line in cycle 4, three layers of comparators for 8 lanes and the running maximum, one register out.
  EXPECT_EQ(bench.decisions.at.front(), 4u + 3 + 1 + 1);
  EXPECT_TRUE(bench.decisions.items.front().replay);
  for (const Line& line : bench.lines.items) EXPECT_TRUE(line.replay_pending);
}

TEST(RequantUnit, ASecondPassIsNeverThrownAway) {
  DecisionBench bench(1);
  Row a = row_of(16, 16);
  a.replay = a.second_pass = true;
  feed_row(bench.feeder, 0, a, 2);
  bench.run(2);
  EXPECT_FALSE(bench.decisions.items.front().replay);
  EXPECT_FALSE(bench.lines.items.front().replay_pending);
}

TEST(ReorderBuffer, RowsBehindAReplayedOneWaitForIt) {
  LineBench<ReorderBuffer> bench(64u);
  Row a = row_of(16, 16), b = row_of(16, 16), c = row_of(16, 16), again = row_of(16, 16);
  again.second_pass = true;
  feed_row(bench.feeder, 0, a, 2, true);
  feed_row(bench.feeder, 2, b, 2);
  feed_row(bench.feeder, 4, c, 2);
  feed_row(bench.feeder, 30, again, 2);
  bench.run(6);
  EXPECT_EQ(rows_of(bench.lines.items), (std::vector<Row*>{&again, &b, &c}));
  EXPECT_GE(bench.lines.at.front(), 30u);
}

TEST(ReorderBuffer, TwoReplaysAreBothWaitedFor) {
  LineBench<ReorderBuffer> bench(64u);
  Row a = row_of(8, 8), b = row_of(8, 8), c = row_of(8, 8), again_a = row_of(8, 8), again_b = row_of(8, 8);
  again_a.second_pass = again_b.second_pass = true;
  feed_row(bench.feeder, 0, a, 1, true);
  feed_row(bench.feeder, 1, b, 1, true);
  feed_row(bench.feeder, 2, c, 1);
  feed_row(bench.feeder, 20, again_a, 1);
  feed_row(bench.feeder, 40, again_b, 1);
  bench.run(3);
  EXPECT_EQ(rows_of(bench.lines.items), (std::vector<Row*>{&again_a, &again_b, &c}));
  EXPECT_GT(bench.lines.at[2], 40u);
}

TopKEngine::Spec topk_spec(TopKEngine::Hold hold) {
  TopKEngine::Spec spec;
  spec.hold = hold;
  return spec;
}

/// The engine with its zero eliminators.
struct TopKBench : LineBench<TopKEngine> {
  explicit TopKBench(TopKEngine::Hold hold) : LineBench<TopKEngine>(topk_spec(hold), 8u, nullptr) {
    connect(unit.passes, eliminator.passes);
    connect(unit.filtered, eliminator.filtered);
  }
  void run(std::size_t count) {
    run_units({&feeder, &unit, &eliminator, &lines}, [&] { return lines.items.size() == count; });
  }
  ZeroEliminator eliminator{"zero_eliminator"};
};

TEST(TopKEngine, TheDelayElementWaitsFromTheFirstLineAndLetsAllOfThemBy) {
  TopKBench bench(TopKEngine::Hold::kSelectionAndStream);
  Row a = row_of(64, 16), b = row_of(64, 16);
  a.select_cycles = 20;
  b.select_cycles = 5;
  feed_row(bench.feeder, 0, a, 8);
  feed_row(bench.feeder, 8, b, 8);
  bench.run(4);
  // Three registers in front, two in the FIFO: the first line stands at the end in cycle 5.
  const Cycles first = 5 + 20, gone = first + 8;
  EXPECT_EQ(bench.lines.at, (std::vector<Cycles>{first + 1, first + 2, gone + 5 + 1, gone + 5 + 2}));
  EXPECT_EQ(bench.lines.items[1].elements, 8u);
  EXPECT_TRUE(bench.lines.items[1].last);
}

TEST(TopKEngine, TheEngineSelectsTheNextRowWhileOneIsFiltered) {
  TopKBench bench(TopKEngine::Hold::kSelection);
  Row a = row_of(64, 32), b = row_of(64, 32);
  a.select_cycles = b.select_cycles = 10;
  feed_row(bench.feeder, 0, a, 8);
  feed_row(bench.feeder, 8, b, 8);
  bench.run(8);
  const Cycles a_complete = 7 + 3 + 2, b_complete = a_complete + 8;
  EXPECT_EQ(bench.lines.at[0], a_complete + 10 + 1);
  EXPECT_EQ(bench.lines.at[4], std::max(b_complete, a_complete + 10) + 10 + 1);
}

TEST(TopKEngine, ARowThatKeepsEverythingPassesWhenNoneIsInside) {
  TopKBench bench(TopKEngine::Hold::kSelectionAndStream);
  Row a = row_of(16, 8), b = row_of(16, 16);
  a.select_cycles = 30;
  feed_row(bench.feeder, 0, a, 2);
  feed_row(bench.feeder, 2, b, 2);
  bench.run(3);
  EXPECT_EQ(rows_of(bench.lines.items), (std::vector<Row*>{&a, &b}));
  EXPECT_EQ(bench.unit.counters()[1], (std::pair<std::string, std::uint64_t>("bypassed_rows", 1)));
}

TEST(TopKEngine, KeepsAsManyAsAskedInLinesOfItsWidth) {
  TopKBench bench(TopKEngine::Hold::kSelection);
  Row a = row_of(40, 19);
  a.select_cycles = 1;
  feed_row(bench.feeder, 0, a, 5);
  bench.run(3);
  EXPECT_EQ(bench.lines.items[0].elements, 8u);
  EXPECT_EQ(bench.lines.items[2].elements, 3u);
  EXPECT_TRUE(bench.lines.items[2].last);
}

}  // namespace
}  // namespace spatten::sim

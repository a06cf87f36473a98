// SPDX-License-Identifier: Apache-2.0
// The zero eliminators of both top-k engines: their account is that of the engines' recurrence, and what they would
// pack is what the datapath keeps.
#include "spatten/sim/units/zero_eliminator.h"

#include <gtest/gtest.h>

#include "spatten/algo/fixed_attention.h"
#include "spatten/algo/zero_eliminator.h"
#include "spatten/sim/accelerator/selection_model.h"
#include "spatten/sim/accelerator/simulate.h"
#include "spatten/sim/memory/make_memory.h"
#include "spatten/sim/units/token_topk.h"
#include "spatten/sim/units/topk_engine.h"
#include "spatten/trace/synthetic.h"
#include "support/unit_bench.h"

namespace spatten::sim {
namespace {

/// Runs units for so many cycles.
void run_for(Cycles cycles, std::vector<Unit*> units) {
  Feeder<int> clock;
  Drain<int> end;
  connect(clock.out, end.in);
  clock.feed(cycles - 1, 0);
  units.insert(units.end(), {&clock, &end});
  run_units(units, [&] { return !end.items.empty(); });
}

TEST(ZeroEliminatorUnit, IsBusyWhilePassesOrLinesOfTheFilterAreInside) {
  ZeroEliminator unit("zero_eliminator");
  Feeder<Packing> passes, filtered;
  connect(passes.out, unit.passes);
  connect(filtered.out, unit.filtered);
  passes.feed(0, {10, 40, 24});
  passes.feed(5, {10, 30, 34});  // waits for the first: they are inside from 1 to 21
  filtered.feed(8, {1, 8, 56});  // meanwhile
  filtered.feed(30, {1, 3, 0});  // alone
  run_for(50, {&passes, &filtered, &unit});
  EXPECT_EQ(unit.stats().elements, 40u + 30 + 8 + 3);
  EXPECT_EQ(unit.stats().zeros, 24u + 34 + 56);
  EXPECT_EQ(unit.activity().busy(), 20u + 1);
  EXPECT_EQ(unit.activity().idle(), 50u - 21);
  EXPECT_EQ(unit.activity().stalled(), 0u);
}

Row selected_row(std::uint32_t keys, std::uint32_t values, const Selection& selection) {
  Row row;
  row.keys = keys;
  row.values = values;
  row.select_values = true;
  row.select_cycles = selection.cycles;
  row.select_passes = selection.passes;
  row.select_compares = selection.compares;
  row.select_packed = selection.packed;
  return row;
}

TEST(ZeroEliminatorUnit, OfTheLocalTopKPacksWhatEveryPassAndTheFilterKeep) {
  for (const TopKEngine::Hold hold : {TopKEngine::Hold::kSelection, TopKEngine::Hold::kSelectionAndStream}) {
    TopKEngine::Spec spec;
    spec.hold = hold;
    TopKEngine engine(spec, 8, nullptr);
    ZeroEliminator unit("zero_eliminator");
    Feeder<Line> feeder;
    Drain<Line> lines;
    connect(feeder.out, engine.in);
    connect(engine.out, lines.in);
    connect(engine.passes, unit.passes);
    connect(engine.filtered, unit.filtered);
    // 64 elements, then 31 on the larger side of one pivot, one of them equal to the second: 6 lines of 16, 2 x 3
    // cycles.
    Row row = selected_row(64, 19, {.cycles = 12, .passes = 2, .compares = 95, .packed = 63 + 30});
    for (std::uint32_t i = 0; i < 8; ++i) feeder.feed(i, {&row, i, 8, i == 0, i == 7, false});
    run_for(100, {&feeder, &engine, &unit, &lines});
    EXPECT_EQ(lines.items.size(), 3u);
    EXPECT_EQ(unit.stats().elements, 93u + 19);
    EXPECT_EQ(unit.stats().zeros, 2 * 95u - 93 + (64 - 19));
    EXPECT_EQ(unit.stats().elements + unit.stats().zeros, engine.stats().compares);
    // The filter hands on the 3 lines of what is kept, the delay element lets all 8 by.
    EXPECT_EQ(unit.activity().busy(), 12u + (hold == TopKEngine::Hold::kSelection ? 3 : 8));
  }
}

TEST(ZeroEliminatorUnit, OfTheTokenTopKIsBusyInItsPassesAndThenInItsFilter) {
  TokenTopK engine(16);
  ZeroEliminator unit("token_zero_eliminator");
  Feeder<Row*> feeder;
  Drain<Row*> done;
  connect(feeder.out, engine.in);
  connect(engine.done, done.in);
  connect(engine.passes, unit.passes);
  connect(engine.filtered, unit.filtered);
  Row row;
  row.selection_cycles = 20;
  row.selection_elements = 100;
  row.selection_kept = 40;
  row.selection_compares = 180;
  row.selection_packed = 177;
  feeder.feed(0, &row);
  run_for(60, {&feeder, &engine, &unit, &done});
  ASSERT_EQ(done.at.size(), 1u);
  EXPECT_EQ(done.at[0], 1u + 20 + 1);
  EXPECT_EQ(unit.stats().elements, 177u + 40);
  EXPECT_EQ(unit.stats().zeros, 2 * 180u - 177 + 60);
  EXPECT_EQ(unit.activity().busy(), 20u + 7);  // seven lines of 16
  EXPECT_EQ(unit.activity().busy() + unit.activity().idle(), 60u);
}

TEST(SelectionModel, APassWritesBackAllButThoseThatEqualItsPivot) {
  Random random(3);
  for (const std::uint32_t n : {2u, 17u, 64u, 500u}) {
    const Selection ranks = select_random_ranks(n, n / 2, {}, random);
    EXPECT_EQ(ranks.packed, ranks.compares - ranks.passes) << n;
    std::vector<std::uint16_t> values(n);
    for (std::uint32_t i = 0; i < n; ++i) values[i] = static_cast<std::uint16_t>(i * 7);
    const Selection different = select_values(values, n / 2, {}, random);
    EXPECT_EQ(different.packed, different.compares - different.passes) << n;
  }
  const Selection equal = select_values(std::vector<std::uint16_t>(40, 9), 13, {}, random);
  EXPECT_EQ(equal.compares, 40u);
  EXPECT_EQ(equal.packed, 0u);
}

/// The filter's lines as Fig. 9 packs them: what is not kept becomes a zero, full lines are joined.
std::vector<std::uint32_t> packed_by_lines(const std::vector<std::uint32_t>& kept, std::uint32_t keys,
                                           std::uint32_t lanes) {
  std::vector<std::uint32_t> marks(keys, 0);  // id + 1, or 0
  for (const std::uint32_t id : kept) marks[id] = id + 1;
  std::vector<std::uint32_t> out;
  for (std::uint32_t first = 0; first < keys; first += lanes) {
    const std::span line = std::span(marks).subspan(first, std::min(lanes, keys - first));
    for (const std::uint32_t mark : algo::eliminate_zeros<std::uint32_t>(line).packed) {
      if (mark != 0) out.push_back(mark - 1);
    }
  }
  return out;
}

TEST(ZeroEliminatorUnit, PacksLineByLineWhatTheDatapathKeeps) {
  Random random(5);
  for (const std::uint32_t keys : {1u, 15u, 16u, 17u, 200u}) {
    std::vector<algo::Probability12> row(keys);
    for (auto& p : row) p = static_cast<algo::Probability12>(random.below(30));  // many ties
    for (const std::uint32_t count : {1u, keys / 2, keys}) {
      const std::vector<std::uint32_t> kept = algo::select_values12(row, count);
      EXPECT_EQ(packed_by_lines(kept, keys, 16), kept) << keys << " " << count;
    }
  }
}

const UnitResult& unit_of(const Result& result, const std::string& name) {
  for (const UnitResult& u : result.units) {
    if (u.name == name) return u;
  }
  throw Error("no unit " + name);
}

TEST(ZeroEliminatorUnit, OfEitherEngineTakesWhatItsComparatorsGive) {
  trace::Workload work;
  work.model = "test";
  work.shape = {.layers = 3, .heads = 2, .head_dim = 64, .max_positions = 256, .causal = true};
  work.prompt_length = 100;
  work.generated_tokens = 2;
  work.prompt_pass = false;
  work.policy.value.keep = 0.5;
  work.policy.token.keep = 0.5;
  trace::SyntheticSource source(work);
  const Result run = simulate(source, load_chip(SPATTEN_SOURCE_DIR "/configs/hw/spatten.json"),
                              [] { return make_memory("ideal:20"); });
  for (const auto& [name, engine] : {std::pair{"zero_eliminator", "topk"}, {"token_zero_eliminator", "token_topk"}}) {
    const UnitResult &unit = unit_of(run, name), &top_k = unit_of(run, engine);
    EXPECT_EQ(unit.counter("elements") + unit.counter("zeros"), top_k.counter("compares")) << name;
    EXPECT_GT(unit.counter("elements"), top_k.counter("kept")) << name;
    EXPECT_GT(unit.activity.busy(), 0u) << name;
    EXPECT_EQ(unit.activity.busy() + unit.activity.idle() + unit.activity.stalled(), run.cycles) << name;
  }
}

}  // namespace
}  // namespace spatten::sim

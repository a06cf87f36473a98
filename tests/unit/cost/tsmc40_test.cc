// SPDX-License-Identifier: Apache-2.0
// configs/tech/tsmc40.json and its page. What it amounts to on the paper's workload: tests/paper.
#include <gtest/gtest.h>

#include <set>

#include "spatten/base/file.h"
#include "spatten/base/json_tree.h"
#include "spatten/cost/area.h"
#include "spatten/cost/energy.h"
#include "spatten/sim/accelerator/simulate.h"
#include "spatten/sim/memory/make_memory.h"
#include "spatten/trace/synthetic.h"

namespace spatten::cost {
namespace {

const std::string kSource = SPATTEN_SOURCE_DIR;

Technology tsmc40() { return Technology::load(kSource + "/configs/tech/tsmc40.json"); }

/// Counters that need no energy of their own, and why.
const std::set<std::string>& free_counters() {
  static const std::set<std::string> kFree = {
      "fetcher.query_bytes", "fetcher.key_bytes", "fetcher.key_lsb_bytes", "fetcher.value_bytes", "fetcher.weight_bytes",  // per access
      "address_crossbar.conflicts", "data_crossbar.conflicts",                                                             // waiting
      "qk.lines", "prob_v.lines",                                                                                          // clocked all the time
      "converter.lane_sets", "converter.lines",                                                                            // per value
      "key_sram.retries", "value_sram.retries",                                                                            // found by the tag alone
      "softmax.rows", "requant.rows", "requant.replays", "prob_v.rows", "controller.replays",                             // per element
      "topk.rows", "topk.bypassed_rows", "topk.passes", "topk.kept", "token_topk.rows", "token_topk.kept",                 // per compare
      "zero_eliminator.zeros", "token_zero_eliminator.zeros",                                                              // do not move on
      "reorder.lines", "reorder.thrown_lines"};
  return kFree;
}

sim::Result small_run() {
  trace::Workload work;
  work.model = "test";
  work.shape = {.layers = 2, .heads = 2, .head_dim = 64, .max_positions = 256, .causal = true};
  work.prompt_length = 40;
  work.generated_tokens = 2;
  work.policy.value.keep = 0.5;
  work.policy.token.keep = 0.5;
  trace::SyntheticSource source(work);
  return sim::simulate(source, sim::load_chip(kSource + "/configs/hw/spatten.json"), [] { return sim::make_memory("ideal:20"); });
}

TEST(Tsmc40, FitsEveryChipThatComesWithTheProgram) {
  for (const char* name : {"spatten", "spatten-eighth", "spatten-e2e", "rtl-full", "rtl-eighth", "rtl-fork"}) {
    const Json chip = write_field(sim::load_chip(kSource + "/configs/hw/" + name + ".json"));
    EXPECT_GT(area_of(tsmc40(), chip).total_mm2, 0.1) << name;
  }
}

TEST(Tsmc40, HasTheAreasOfFig13) {
  const AreaReport area = area_of(tsmc40(), write_field(sim::load_chip(kSource + "/configs/hw/spatten.json")));
  const std::vector<std::pair<std::string, double>> paper = {{"fetcher", 2.649}, {"qk", 7.123},     {"softmax", 0.7914},
                                                             {"topk", 0.498},    {"prob_v", 7.222}, {"others", 0.43}};
  for (const auto& [name, mm2] : paper) {
    for (const BlockArea& b : area.blocks) {
      if (b.name == name) {
        EXPECT_NEAR(b.mm2, mm2, 0.01 * mm2) << name;
      }
    }
  }
  EXPECT_NEAR(area.total_mm2, 18.713, 0.01 * 18.713);
}

/// A counter that someone adds and forgets here would be free of charge.
TEST(Tsmc40, EveryCounterHasAnEnergyOrAReasonToHaveNone) {
  const Technology technology = tsmc40();
  std::set<std::string> charged;
  for (const Action& a : technology.data().actions) charged.insert(a.counter);
  const sim::Result run = small_run();
  for (const sim::UnitResult& unit : run.units) {
    if (unit.name == "memory") continue;  // by the memory's file
    for (const auto& [name, count] : unit.counters) {
      const std::string key = unit.name + "." + name;
      EXPECT_EQ(charged.count(key) + free_counters().count(key), 1u) << key;
    }
  }
  const Json chip = write_field(sim::load_chip(kSource + "/configs/hw/spatten.json"));
  const EnergyReport energy = energy_of(run, 1e-6, technology, chip, {});
  EXPECT_GT(energy.total.logic, 0);
  EXPECT_GT(energy.total.sram, 0);
  EXPECT_EQ(energy.total.dram, 0);
}

TEST(Tsmc40, EveryEntryTellsItsSource) {
  const Technology technology = tsmc40();
  for (const Block& b : technology.data().blocks) EXPECT_NE(b.source, "") << b.name;
  EXPECT_NE(technology.data().calibration, "");
}

/// The table of docs/formats/tech.md, derived from the field lists.
TEST(TechnologyPage, HoldsTheKeysOfTheFieldLists) {
  std::vector<FieldLine> lines;
  list_fields<TechnologyData>("", lines);
  std::string table = "| key | type | default | unit | meaning |\n|---|---|---|---|---|\n";
  for (const FieldLine& line : lines) {
    const std::string value = line.default_value.empty() ? "" : "`" + line.default_value + "`";
    table += fmt::format("| `{}` | {} | {} | {} | {} |\n", line.key, line.type, value, line.unit, line.text);
  }
  const std::string page = read_file(kSource + "/docs/formats/tech.md");
  EXPECT_NE(page.find(table), std::string::npos) << "docs/formats/tech.md should hold:\n" << table;
}

}  // namespace
}  // namespace spatten::cost

// SPDX-License-Identifier: Apache-2.0
// The statistics of small runs, byte for byte as they are in tests/golden/stats, whatever compiler and optimisation built this
// program. When a change means to move cycles, SPATTEN_WRITE_GOLDEN=1 test_study --gtest_filter='*Golden*' writes them anew.
#include <gtest/gtest.h>

#include <cstdlib>

#include "spatten/algo/policy_file.h"
#include "spatten/base/file.h"
#include "spatten/base/json_tree.h"
#include "spatten/study/chip_json.h"
#include "spatten/study/chip_run.h"
#include "spatten/trace/synthetic.h"

namespace spatten {
namespace {

const std::string kConfigs = std::string(SPATTEN_SOURCE_DIR) + "/configs";

struct Case {
  const char *name, *chip, *policy;
  bool decoder;
};

ChipSetup setup_of(const std::string& chip) {
  sim::ChipSpec spec = sim::load_chip(kConfigs + "/hw/" + chip + ".json");
  const std::string memory = chip.starts_with("rtl") ? "hbm2-r20" : spec.memory;
  return {chip, memory, kConfigs + "/memory/" + memory + ".json", std::move(spec), {}, cost::Technology::load(kConfigs + "/tech/tsmc40.json"), "tsmc40"};
}

trace::Workload workload_of(const Case& c) {
  trace::Workload work;
  work.model = c.name;
  work.shape = {.layers = 3, .heads = 4, .head_dim = 64, .max_positions = 256, .causal = c.decoder};
  work.prompt_length = c.decoder ? 150 : 40;
  work.generated_tokens = c.decoder ? 2 : 0;
  work.prompt_pass = !c.decoder;
  work.policy = algo::load_policy(c.policy, kConfigs + "/pruning", {});
  return work;
}

class GoldenStats : public ::testing::TestWithParam<Case> {};

TEST_P(GoldenStats, AreTheSameOnEveryBuild) {
  trace::SyntheticSource source(workload_of(GetParam()));
  const std::string stats = dump_json(chip_stats(run_on_chip(source, GetParam().name, setup_of(GetParam().chip))), 1) + "\n";
  const std::string path = std::string(SPATTEN_SOURCE_DIR) + "/tests/golden/stats/" + GetParam().name + ".json";
  if (std::getenv("SPATTEN_WRITE_GOLDEN") != nullptr) write_file(path, stats);
  EXPECT_EQ(stats, read_file(path));
}

INSTANTIATE_TEST_SUITE_P(Runs, GoldenStats,
                         ::testing::Values(Case{"encoder", "spatten", "paper-bert", false},
                                           Case{"decoder", "spatten", "paper-average-gpt2", true},
                                           Case{"end_to_end", "spatten-e2e", "progressive-6-4", true},
                                           Case{"published_rtl", "rtl-full", "paper-gpt2-medium", true}),
                         [](const auto& param) { return std::string(param.param.name); });

}  // namespace
}  // namespace spatten

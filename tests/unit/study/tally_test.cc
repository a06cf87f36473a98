// SPDX-License-Identifier: Apache-2.0
// A generation measured by three of its tokens against all of it, and the 30 benchmarks as workloads.
#include "spatten/study/tally.h"

#include <gtest/gtest.h>

#include "spatten/study/paper_benchmarks.h"
#include "spatten/trace/synthetic.h"

namespace spatten {
namespace {

const std::string kConfigs = std::string(SPATTEN_SOURCE_DIR) + "/configs";

ChipSetup chip(const std::string& memory) {
  sim::ChipSpec spec = sim::load_chip(kConfigs + "/hw/spatten.json");
  return {"spatten", memory, memory, std::move(spec), {}, cost::Technology::load(kConfigs + "/tech/tsmc40.json")};
}

trace::Workload decoder() {
  trace::Workload work;
  work.model = "small";
  work.shape = {.layers = 2, .heads = 4, .head_dim = 64, .max_positions = 256, .causal = true};
  work.prompt_length = 100;
  work.generated_tokens = 12;
  work.prompt_pass = false;
  work.policy.token.keep = 0.5;
  work.policy.value.keep = 0.5;
  return work;
}

TEST(Tally, OfThreeTokensStandsForAllOfThem) {
  const ChipSetup setup = chip("ideal:20");
  trace::SyntheticSource source(decoder());
  const Tally whole = run_whole(source, setup);
  const Tally sampled = run_sampled([] { return std::make_unique<trace::SyntheticSource>(decoder()); }, 12, setup);
  EXPECT_DOUBLE_EQ(sampled.rows, whole.rows);
  EXPECT_NEAR(sampled.seconds / whole.seconds, 1, 0.02);
  EXPECT_NEAR(sampled.ops_executed / whole.ops_executed, 1, 0.01);
  EXPECT_NEAR(sampled.dram_bytes / whole.dram_bytes, 1, 0.01);
  EXPECT_NEAR(sampled.joules.total() / whole.joules.total(), 1, 0.02);
}

TEST(Tally, OfOneTokenIsThatToken) {
  const ChipSetup setup = chip("ideal:20");
  trace::Workload one = decoder();
  one.generated_tokens = 1;
  trace::SyntheticSource source(one);
  EXPECT_DOUBLE_EQ(run_sampled([&] { return std::make_unique<trace::SyntheticSource>(one); }, 1, setup).seconds,
                   run_whole(source, setup).seconds);
}

TEST(PaperBenchmarks, AreTheThirtyOfTheEvaluation) {
  const auto all = load_paper_benchmarks(kConfigs);
  EXPECT_EQ(all.size(), 30u);
  int decoders = 0;
  for (const PaperBenchmark& b : all) {
    decoders += b.decoder();
    EXPECT_FALSE(b.source.empty()) << b.name;
    EXPECT_EQ(b.workload.shape.causal, b.decoder()) << b.name;
    EXPECT_TRUE(b.workload.policy.enabled()) << b.name;
  }
  EXPECT_EQ(decoders, 8);
}

TEST(PaperBenchmarks, TakeChangesOfTheirPolicies) {
  for (const PaperBenchmark& b : load_paper_benchmarks(kConfigs, {"head.keep=1"}))
    EXPECT_FALSE(b.workload.policy.head_pruning()) << b.name;
}

}  // namespace
}  // namespace spatten

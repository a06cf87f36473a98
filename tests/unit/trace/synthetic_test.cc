// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "spatten/algo/policy_file.h"
#include "spatten/base/error.h"
#include "spatten/base/file.h"
#include "spatten/trace/authors_csv.h"
#include "spatten/trace/rules.h"
#include "spatten/trace/summary.h"
#include "spatten/trace/synthetic.h"
#include "support/random_trace.h"
#include "support/shared_data.h"

namespace spatten::trace {
namespace {

Workload workload(bool causal, std::uint32_t prompt, std::uint32_t generated) {
  Workload w;
  w.model = "tiny";
  w.shape = {4, 3, 8, 0, causal};
  w.prompt_length = prompt;
  w.generated_tokens = generated;
  return w;
}

algo::Policy preset(const std::string& name, const std::vector<std::string>& overrides = {}) {
  return algo::load_policy(name, std::string(SPATTEN_SOURCE_DIR) + "/configs/pruning", overrides);
}

std::vector<Record> records_of(const Workload& w) {
  SyntheticSource source(w);
  std::vector<Record> records = drain(source);
  Rules rules(source.header());
  for (const Record& record : records) {
    const auto problem = rules.check(record);
    EXPECT_FALSE(problem) << problem->field << ": " << problem->message;
  }
  return records;
}

Summary summary_of(const Workload& w) {
  SyntheticSource source(w);
  return summarize(source);
}

TEST(Synthetic, ADenseEncoderIsOnePassOverAllRows) {
  const std::vector<Record> records = records_of(workload(false, 10, 0));
  ASSERT_EQ(records.size(), 12u);
  for (const Record& r : records) {
    EXPECT_EQ(r.stage, Stage::kSummarization);
    EXPECT_FALSE(r.causal);
    EXPECT_EQ(r.rows, 10u);
    EXPECT_EQ(r.keys, 10u);
    EXPECT_EQ(r.values, 10u);
  }
  const Summary s = summary_of(workload(false, 10, 0));
  EXPECT_EQ(s.ops_executed, 12u * 4 * 8 * 100);
  EXPECT_EQ(s.ops_executed, s.ops_dense_equivalent);
}

TEST(Synthetic, ADenseDecoderHasAPromptAndGrows) {
  const std::vector<Record> records = records_of(workload(true, 10, 2));
  ASSERT_EQ(records.size(), 36u);
  EXPECT_TRUE(records[0].causal);
  EXPECT_EQ(records[0].rows, 10u);
  EXPECT_EQ(value_pairs(records[0]), 55u);
  EXPECT_EQ(records[12].stage, Stage::kGeneration);
  EXPECT_EQ(records[12].keys, 11u);
  EXPECT_EQ(records[35].keys, 12u);
  const Summary s = summary_of(workload(true, 10, 2));
  EXPECT_EQ(s.ops_executed, s.ops_dense_equivalent);
}

TEST(Synthetic, TheTopKFlagStandsWhereTheNextRecordsShrink) {
  Workload w = workload(false, 20, 0);
  w.policy.token.counts = {20, 20, 8, 4};
  w.policy.head.counts = {3, 3, 2, 1};
  const std::vector<Record> records = records_of(w);
  ASSERT_EQ(records.size(), 3u + 3 + 2 + 1);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const bool last = i + 1 == records.size(), shrinks = !last && records[i + 1].keys < records[i].keys;
    EXPECT_EQ(records[i].top_k_tokens, shrinks ? records[i + 1].keys : 0u) << i;
  }
  EXPECT_EQ(records[5].top_k_heads, 2u);
  EXPECT_EQ(records[7].top_k_heads, 1u);
  EXPECT_EQ(records[0].top_k_heads + records[2].top_k_heads + records[8].top_k_heads, 0u);
}

TEST(Synthetic, PermanentEvictionNeverBringsATokenBack) {
  Workload w = workload(true, 20, 6);
  w.policy.token.counts = {30, 12, 8, 6};
  w.policy.token.first_iteration = 0;
  std::vector<std::uint32_t> first_layer;
  w.policy.token.eviction = algo::Eviction::kPermanent;
  for (const Record& r : records_of(w)) {
    if (r.layer == 0 && r.head == 0 && r.stage == Stage::kGeneration) first_layer.push_back(r.keys);
  }
  EXPECT_EQ(first_layer, (std::vector<std::uint32_t>{21, 7, 7, 7, 7, 7}));
  w.policy.token.eviction = algo::Eviction::kReopen;
  first_layer.clear();
  for (const Record& r : records_of(w)) {
    if (r.layer == 0 && r.head == 0 && r.stage == Stage::kGeneration) first_layer.push_back(r.keys);
  }
  EXPECT_EQ(first_layer, (std::vector<std::uint32_t>{21, 22, 23, 24, 25, 26}));
}

TEST(Synthetic, ATokenPrunedInThePromptIsMissingInLaterLayers) {
  Workload w = workload(true, 20, 2);
  w.policy.token.counts = {30, 30, 8, 8};
  w.policy.token.prompt = true;
  w.policy.token.generation = false;
  std::vector<std::uint32_t> keys;
  for (const Record& r : records_of(w)) {
    if (r.head == 0 && r.step == 2) keys.push_back(r.keys);
  }
  EXPECT_EQ(keys, (std::vector<std::uint32_t>{22, 22, 10, 10}));
}

TEST(Synthetic, SharesLsbRowsEvenly) {
  Workload w = workload(true, 100, 200);
  w.policy = preset("progressive-6-4");
  w.lsb_row_ratio = 0.059;
  const Summary s = summary_of(w);
  EXPECT_EQ(s.rows, 12u * 300);
  EXPECT_NEAR(s.lsb_row_ratio(), 0.059, 1.0 / 3600);
  w.lsb_row_ratio = 0;
  EXPECT_EQ(summary_of(w).lsb_rows, 0u);
  w.lsb_row_ratio = 1;
  EXPECT_EQ(summary_of(w).lsb_rows, 3600u);
}

TEST(Synthetic, EveryPresetGivesAValidTraceOfEachKindOfModel) {
  for (const std::string& name : algo::policy_presets(std::string(SPATTEN_SOURCE_DIR) + "/configs/pruning")) {
    for (const bool causal : {false, true}) {
      Workload w = workload(causal, 37, causal ? 9 : 0);
      w.policy = preset(name);
      const Summary s = summary_of(w);
      EXPECT_GE(s.kv_reduction(), 1.0) << name;
      EXPECT_FALSE(records_of(w).empty());
    }
  }
}

TEST(Synthetic, RefusesWorkloadsThatAreNone) {
  const auto complaint = [](const Workload& w) { return message_of<Error>([&] { SyntheticSource source(w); }); };
  EXPECT_EQ(complaint(workload(false, 0, 0)), "workload:prompt_length: expected at least 1, found 0");
  EXPECT_EQ(complaint(workload(false, 5, 1)), "workload:generated_tokens: expected 0 for an encoder, found 1");
  EXPECT_EQ(complaint(workload(true, 0, 0)), "workload:generated_tokens: expected at least 1 pass in all, found 0");
  EXPECT_EQ(complaint(workload(true, kMaxContext, 0)), "");
  EXPECT_NE(complaint(workload(true, kMaxContext, 1)), "");
  Workload w = workload(true, 1, 1);
  w.shape.layers = 0;
  EXPECT_NE(complaint(w).find("workload:layers"), std::string::npos);
}

// The presets are read off the authors' traces; at the traces' reference length they must give the traces back.
struct Official {
  std::string file, preset;
  std::uint32_t layers, heads;
};

void compare_with(const Official& official, std::vector<std::string> overrides) {
  const std::string path = shared_data("official-workloads/" + official.file);
  if (!is_file(path)) GTEST_SKIP() << "no " << path << "; set SPATTEN_SHARED_DATA to the folder that holds official-workloads";
  overrides.insert(overrides.end(), {"token.reference_length=1024", "value.reference_length=1024"});
  Workload w;
  w.shape = {official.layers, official.heads, 64, 1024, true};
  w.policy = preset(official.preset, overrides);
  w.prompt_length = 992;
  w.generated_tokens = 32;
  w.prompt_pass = false;
  SyntheticSource source(w);
  AuthorsCsvSource wanted(path);
  Record a, b;
  while (wanted.next(b)) {
    ASSERT_TRUE(source.next(a));
    ASSERT_EQ(std::tie(a.step, a.layer, a.head, a.context, a.keys, a.values, a.top_k_tokens),
              std::tie(b.step, b.layer, b.head, b.context, b.keys, b.values, b.top_k_tokens))
        << "step " << b.step << " layer " << b.layer << " head " << b.head;
    ASSERT_EQ(a.value_bits, b.value_bits);
  }
  EXPECT_FALSE(source.next(a));
}

TEST(Synthetic, RepeatsTheAuthorsSmallWorkloadRowByRow) {
  compare_with({"summary-gpt2-small-wikitext2-per8.csv", "paper-gpt2", 12, 12}, {});
}

TEST(Synthetic, RepeatsTheAuthorsMediumWorkloadRowByRow) {
  compare_with({"summary-gpt2-medium-wikitext2-per0-hp-step5+dedic+glob_p+local_p+hp+topk+quant.csv", "paper-gpt2-medium", 24, 16}, {});
}

}  // namespace
}  // namespace spatten::trace

// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>

#include "spatten/trace/rules.h"
#include "support/random_trace.h"

namespace spatten::trace {
namespace {

Record good() {
  Record r;
  r.context = 10;
  r.keys = 8;
  r.values = 4;
  r.key_msb_bits = 6;
  r.key_lsb_bits = 4;
  r.threshold = 0.05;
  r.lsb_rows = 1;
  return r;
}

/// Field of the rule that the changed record breaks, "" when it breaks none.
std::string broken(const std::function<void(Record&)>& change, const Header& header = {}) {
  Record r = good();
  change(r);
  const auto problem = Rules(header).check(r);
  return problem ? problem->field : "";
}

TEST(Rules, AcceptEachLimitAndRefuseOneBeyond) {
  EXPECT_EQ(broken([](Record& r) { r.keys = 10; }), "");
  EXPECT_EQ(broken([](Record& r) { r.keys = 11; }), "keys");
  EXPECT_EQ(broken([](Record& r) { r.keys = 0; }), "keys");
  EXPECT_EQ(broken([](Record& r) { r.values = 8; }), "");
  EXPECT_EQ(broken([](Record& r) { r.values = 9; }), "values");
  EXPECT_EQ(broken([](Record& r) { r.values = 0; }), "");
  EXPECT_EQ(broken([](Record& r) { r.context = kMaxContext; }), "");
  EXPECT_EQ(broken([](Record& r) { r.context = kMaxContext + 1; }), "context");
  EXPECT_EQ(broken([](Record& r) { r.head_dim = kMaxHeadDim; }), "");
  EXPECT_EQ(broken([](Record& r) { r.head_dim = kMaxHeadDim + 1; }), "head_dim");
  EXPECT_EQ(broken([](Record& r) { r.head_dim = 0; }), "head_dim");
  EXPECT_EQ(broken([](Record& r) { r.layer = kMaxLayers; }), "layer");
  EXPECT_EQ(broken([](Record& r) { r.head = kMaxHeads; }), "head");
  EXPECT_EQ(broken([](Record& r) { r.top_k_tokens = 10; }), "");
  EXPECT_EQ(broken([](Record& r) { r.top_k_tokens = 11; }), "top_k_tokens");
  EXPECT_EQ(broken([](Record& r) { r.values_total = 4; }), "");
  EXPECT_EQ(broken([](Record& r) { r.values_total = 5; }), "values_total");
}

TEST(Rules, HoldTheRecordToTheHeader) {
  Header header;
  header.layers = 2;
  header.heads = 3;
  header.head_dim = 64;
  EXPECT_EQ(broken([](Record& r) { r.layer = 1, r.head = 2, r.top_k_heads = 3; }, header), "");
  EXPECT_EQ(broken([](Record& r) { r.layer = 2; }, header), "layer");
  EXPECT_EQ(broken([](Record& r) { r.head = 3; }, header), "head");
  EXPECT_EQ(broken([](Record& r) { r.head_dim = 32; }, header), "head_dim");
  EXPECT_EQ(broken([](Record& r) { r.top_k_heads = 4; }, header), "top_k_heads");
}

TEST(Rules, KnowTheRowsOfEachStage) {
  EXPECT_EQ(broken([](Record& r) { r.rows = 2; }), "rows");
  EXPECT_EQ(broken([](Record& r) { r.rows = 10, r.stage = Stage::kSummarization; }), "");
  EXPECT_EQ(broken([](Record& r) { r.rows = 11, r.stage = Stage::kSummarization; }), "rows");
  EXPECT_EQ(broken([](Record& r) { r.rows = 8, r.causal = true, r.stage = Stage::kSummarization; }), "");
  EXPECT_EQ(broken([](Record& r) { r.rows = 9, r.causal = true, r.stage = Stage::kSummarization; }), "rows");
  EXPECT_EQ(broken([](Record& r) { r.stage = static_cast<Stage>(2); }), "stage");
}

TEST(Rules, AllowLsbsOnlyOnTopOfMsbs) {
  EXPECT_EQ(broken([](Record& r) { r.key_msb_bits = 0; }), "key_lsb_bits");
  EXPECT_EQ(broken([](Record& r) { r.key_lsb_bits = 0; }), "lsb_rows");
  EXPECT_EQ(broken([](Record& r) { r.lsb_rows = 2; }), "lsb_rows");
  EXPECT_EQ(broken([](Record& r) { r.key_lsb_bits = 26; }), "");
  EXPECT_EQ(broken([](Record& r) { r.key_lsb_bits = 27; }), "key_lsb_bits");
  EXPECT_EQ(broken([](Record& r) { r.key_msb_bits = 33; }), "key_msb_bits");
  EXPECT_EQ(broken([](Record& r) { r.query_bits = 33; }), "query_bits");
  EXPECT_EQ(broken([](Record& r) { r.value_bits = 33; }), "value_bits");
  EXPECT_EQ(broken([](Record& r) { r.threshold = 1.0; }), "");
  EXPECT_EQ(broken([](Record& r) { r.threshold = 1.5; }), "threshold");
  EXPECT_EQ(broken([](Record& r) { r.threshold = -0.1; }), "threshold");
  EXPECT_EQ(broken([](Record& r) { r.threshold = std::nan(""); }), "threshold");
}

TEST(Rules, HoldDetailsToTheCounts) {
  EXPECT_EQ(broken([](Record& r) { r.key_ids = {0, 1, 2, 3, 4, 5, 6, 9}; }), "");
  EXPECT_EQ(broken([](Record& r) { r.key_ids = {0, 1, 2}; }), "key_ids");
  EXPECT_EQ(broken([](Record& r) { r.key_ids = {0, 1, 2, 3, 4, 5, 6, 10}; }), "key_ids");
  EXPECT_EQ(broken([](Record& r) { r.key_ids = {0, 1, 2, 3, 4, 5, 6, 6}; }), "key_ids");
  EXPECT_EQ(broken([](Record& r) { r.scores.assign(8, 0.5f); }), "");
  EXPECT_EQ(broken([](Record& r) { r.scores.assign(7, 0.5f); }), "scores");
  EXPECT_EQ(broken([](Record& r) { r.scores.assign(8, std::numeric_limits<float>::infinity()); }), "scores");
  EXPECT_EQ(broken([](Record& r) { r.lsb_mask = {1}; }), "");
  EXPECT_EQ(broken([](Record& r) { r.lsb_mask = {0}; }), "lsb_mask");
  EXPECT_EQ(broken([](Record& r) { r.lsb_mask = {2}; }), "lsb_mask");
  EXPECT_EQ(broken([](Record& r) { r.lsb_mask = {1, 0}; }), "lsb_mask");
}

/// Field that the second record breaks after good().
std::string broken_after(const std::function<void(Record&)>& change) {
  Rules rules{Header{}};
  Record r = good();
  r.step = r.layer = r.head = 5;
  EXPECT_FALSE(rules.check(r));
  change(r);
  const auto problem = rules.check(r);
  return problem ? problem->field : "";
}

TEST(Rules, AskForAscendingOrder) {
  EXPECT_EQ(broken_after([](Record& r) { r.head = 6; }), "");
  EXPECT_EQ(broken_after([](Record& r) { r.layer = 6, r.head = 0; }), "");
  EXPECT_EQ(broken_after([](Record& r) { r.step = 6, r.layer = r.head = 0; }), "");
  EXPECT_EQ(broken_after([](Record&) {}), "head");
  EXPECT_EQ(broken_after([](Record& r) { r.head = 4; }), "head");
  EXPECT_EQ(broken_after([](Record& r) { r.layer = 4, r.head = 9; }), "layer");
  EXPECT_EQ(broken_after([](Record& r) { r.step = 4, r.layer = 9; }), "step");
}

TEST(Rules, AskForOneContextAndStagePerStep) {
  EXPECT_EQ(broken_after([](Record& r) { r.head = 6, r.context = 11; }), "context");
  EXPECT_EQ(broken_after([](Record& r) { r.step = 6, r.context = 11; }), "");
  EXPECT_EQ(broken_after([](Record& r) { r.head = 6, r.stage = Stage::kSummarization; }), "stage");
  EXPECT_EQ(broken_after([](Record& r) { r.step = 6, r.stage = Stage::kSummarization; }), "");
  EXPECT_EQ(broken_after([](Record& r) { r.step = 6, r.head_dim = 32; }), "head_dim");
}

TEST(Rules, ARefusedRecordDoesNotCountAsTheOneBefore) {
  Rules rules{Header{}};
  Record r = good();
  r.step = 9;
  r.keys = 0;
  EXPECT_TRUE(rules.check(r));
  EXPECT_FALSE(rules.check(good()));
}

TEST(Rules, RandomTracesSatisfyThem) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const MemorySink trace = random_trace(seed, Detail::kFull);
    Rules rules(trace.header());
    for (const Record& record : trace.records()) {
      const auto problem = rules.check(record);
      ASSERT_FALSE(problem) << problem->field << ": " << problem->message;
    }
  }
}

}  // namespace
}  // namespace spatten::trace

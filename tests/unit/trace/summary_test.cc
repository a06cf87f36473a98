// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "spatten/base/error.h"
#include "spatten/base/fields.h"
#include "spatten/trace/summary.h"
#include "support/random_trace.h"

namespace spatten::trace {
namespace {

Summary summary_of(const std::vector<Record>& records, const Header& header = {}) {
  MemorySource source(header, records);
  return summarize(source);
}

/// Two heads of one layer decode one token: 10 tokens of context, the second head keeps 4 keys and 2 values.
std::vector<Record> two_heads() {
  Record dense, pruned;
  dense.context = pruned.context = 10;
  dense.head_dim = pruned.head_dim = 8;
  dense.keys = dense.values = 10;
  pruned.head = 1;
  pruned.keys = 4;
  pruned.values = 2;
  pruned.key_msb_bits = 6;
  pruned.key_lsb_bits = 4;
  pruned.value_bits = 8;
  return {dense, pruned};
}

TEST(Summary, CountsAHandMadeDecodeStep) {
  const Summary s = summary_of(two_heads());
  EXPECT_EQ(s.records, 2u);
  EXPECT_EQ(s.rows, 2u);
  EXPECT_EQ(s.steps, 1u);
  EXPECT_EQ(s.k_fetched, 14u);
  EXPECT_EQ(s.v_fetched, 12u);
  EXPECT_EQ(s.dense_fetched, 20u);
  EXPECT_EQ(s.k_bits, 10u * 8 * 32 + 4u * 8 * 6);
  EXPECT_EQ(s.v_bits, 10u * 8 * 32 + 2u * 8 * 8);
  EXPECT_EQ(s.ops_executed, 2u * 8 * (14 + 12));
  EXPECT_EQ(s.ops_dense_equivalent, 2u * 8 * (20 + 20));
  EXPECT_DOUBLE_EQ(s.k_reduction(), 20.0 / 14);
  EXPECT_DOUBLE_EQ(s.v_reduction(), 20.0 / 12);
  EXPECT_DOUBLE_EQ(s.kv_reduction(), 40.0 / 26);
  EXPECT_DOUBLE_EQ(s.dram_reduction(32), 2.0 * 20 * 8 * 32 / (2560 + 192 + 2560 + 128));
}

TEST(Summary, AddsLsbBytesOnlyForRowsThatNeededThem) {
  std::vector<Record> records = two_heads();
  const Summary before = summary_of(records);
  records[1].lsb_rows = 1;
  const Summary after = summary_of(records);
  EXPECT_EQ(after.k_bits - before.k_bits, 4u * 8 * 4);
  EXPECT_EQ(after.ops_executed, before.ops_executed);
  EXPECT_EQ(after.ops_recomputed, 2u * 8 * 4);
  EXPECT_DOUBLE_EQ(after.lsb_row_ratio(), 0.5);
}

TEST(Summary, SummarizationFetchesOncePerHeadAndAllSurvivingValues) {
  Record r;
  r.stage = Stage::kSummarization;
  r.head_dim = 8;
  r.context = 10;
  r.keys = r.rows = 5;
  r.values = 2;
  r.key_msb_bits = 6;
  r.key_lsb_bits = 4;
  r.value_bits = 8;
  r.lsb_rows = 3;
  const Summary s = summary_of({r});
  EXPECT_EQ(s.k_fetched, 5u);
  EXPECT_EQ(s.v_fetched, 5u);
  EXPECT_EQ(s.k_bits, 5u * 8 * (6 + 4));  // the LSBs once, though three rows needed them
  EXPECT_EQ(s.v_bits, 5u * 8 * 8);
  EXPECT_EQ(s.ops_executed, 2u * 8 * (5 * 5 + 5 * 2));
  EXPECT_EQ(s.ops_recomputed, 2u * 8 * 3 * 5);
  EXPECT_EQ(s.dense_fetched, 10u);
}

TEST(Summary, TheDensePassHasTheRowsOfTheFirstLayer) {
  Record first, second;
  first.stage = second.stage = Stage::kSummarization;
  first.context = second.context = first.rows = first.keys = 10;
  first.values = 10;
  second.layer = 1;
  second.rows = second.keys = second.values = 5;
  const Summary s = summary_of({first, second});
  EXPECT_EQ(s.ops_dense_equivalent, 2u * 4 * 64 * 100);
  EXPECT_EQ(s.ops_executed, 4u * 64 * (100 + 25));
}

TEST(Summary, ACausalPassCountsTheTriangle) {
  Record r;
  r.stage = Stage::kSummarization;
  r.causal = true;
  r.head_dim = 1;
  r.context = r.rows = r.keys = r.values = 4;
  const Summary s = summary_of({r});
  EXPECT_EQ(s.ops_executed, 4u * 10);
  EXPECT_EQ(s.ops_dense_equivalent, 4u * 10);
}

TEST(Summary, DroppedHeadsCountInTheTotalAndNotPerHead) {
  Header header;
  header.layers = 1;
  header.heads = 4;  // two of which never ran
  const Summary s = summary_of(two_heads(), header);
  EXPECT_DOUBLE_EQ(s.head_reduction(), 2.0);
  EXPECT_DOUBLE_EQ(s.k_reduction(), 40.0 / 14);
  EXPECT_DOUBLE_EQ(s.k_reduction_per_head(), 20.0 / 14);
  EXPECT_DOUBLE_EQ(s.v_reduction_per_head(), 20.0 / 12);
  EXPECT_DOUBLE_EQ(s.kv_reduction_per_head(), 40.0 / 26);
}

TEST(Summary, ADenseTraceReducesNothing) {
  std::vector<Record> records;
  for (std::uint32_t step = 0; step < 3; ++step) {
    for (std::uint32_t head = 0; head < 2; ++head) {
      Record r;
      r.step = step;
      r.head = head;
      r.context = r.keys = r.values = 7 + step;
      records.push_back(r);
    }
  }
  const Summary s = summary_of(records);
  EXPECT_EQ(s.kv_reduction(), 1.0);
  EXPECT_EQ(s.head_reduction(), 1.0);
  EXPECT_EQ(s.dram_reduction(32), 1.0);
  EXPECT_EQ(s.ops_executed, s.ops_dense_equivalent);
}

TEST(Summary, NeverExecutesMoreThanTheDenseRun) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const MemorySink trace = random_trace(seed, Detail::kFull);
    MemorySource source(trace);
    const Summary s = summarize(source);
    ASSERT_LE(s.k_fetched, s.dense_fetched_per_head);
    ASSERT_LE(s.dense_fetched_per_head, s.dense_fetched);
    ASSERT_LE(s.lsb_rows, s.rows);
    ASSERT_EQ(s.records, trace.records().size());
  }
}

TEST(Summary, RefusesAnEmptyTrace) {
  EXPECT_EQ(message_of<Error>([] { summary_of({}); }), "expected at least one record, found an empty trace");
}

TEST(Summary, SumsThatLeaveTheRangeAreErrors) {
  Record r;
  r.stage = Stage::kSummarization;
  r.head_dim = kMaxHeadDim;
  r.context = r.keys = r.values = r.rows = kMaxContext;
  std::vector<Record> records(64, r);
  for (std::uint32_t i = 0; i < records.size(); ++i) records[i].step = i;
  EXPECT_EQ(message_of<Error>([&] { summary_of(records); }), "record 63: expected counts within 64 bits, found more");
}

TEST(Summary, JsonHoldsTheFieldsOfTheInterface) {
  const Json json = to_json(summary_of(two_heads()));
  for (const char* key : {"rows", "k_reduction", "v_reduction", "kv_reduction", "k_reduction_per_head", "v_reduction_per_head",
                          "kv_reduction_per_head", "head_reduction", "lsb_row_ratio", "ops_executed", "k_bytes", "v_bytes",
                          "dram_reduction_vs_fp32"}) {
    EXPECT_TRUE(json.contains(key)) << key;
  }
  EXPECT_EQ(json["k_bytes"], 344);
}

}  // namespace
}  // namespace spatten::trace

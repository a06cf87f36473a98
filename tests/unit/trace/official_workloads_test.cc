// SPDX-License-Identifier: Apache-2.0
// The four workloads that the authors published: read, written back byte for byte, and counted. The counts are the
// files' own sums; the ratios are those that follow from them.
#include <gtest/gtest.h>

#include <filesystem>

#include "spatten/trace/authors_csv.h"
#include "spatten/trace/file_sink.h"
#include "spatten/trace/file_source.h"
#include "spatten/trace/summary.h"
#include "support/random_trace.h"
#include "support/shared_data.h"
#include "support/temp_folder.h"

namespace spatten::trace {
namespace {

struct Workload {
  std::string name, file;
  std::uint64_t layers, heads, records, k_fetched, v_fetched, dense_fetched, per_head, lsb_rows, ops, k_bytes, v_bytes;
};

const Workload kMediumDense = {"MediumDense", "summary-gpt2-medium-ptb-per0.csv", 24, 16, 12288, 12392448, 12392448, 12392448,
                               12392448, 0, 3172466688, 3172466688, 3172466688};
const Workload kMedium = {"Medium", "summary-gpt2-medium-wikitext2-per0-hp-step5+dedic+glob_p+local_p+hp+topk+quant.csv", 24, 16,
                          11328, 6143004, 1848398, 12392448, 11424288, 0, 1022899456, 589728384, 118297472};
const Workload kSmallDense = {"SmallDense", "summary-gpt2-small-wikitext2-per8-step1+dedic.csv", 12, 12, 4608, 4647168, 4647168,
                              4647168, 4647168, 0, 1189675008, 1189675008, 1189675008};
const Workload kSmall = {"Small", "summary-gpt2-small-wikitext2-per8.csv", 12, 12, 4608, 1283172, 255180, 4647168, 4647168, 323,
                         196909056, 70179616, 12248640};

std::string path_of(const Workload& workload) { return shared_data("official-workloads/" + workload.file); }

class OfficialWorkload : public ::testing::TestWithParam<Workload> {
 protected:
  void SetUp() override {
    if (!is_file(path_of(GetParam()))) {
      GTEST_SKIP() << "no " << path_of(GetParam()) << "; set SPATTEN_SHARED_DATA to the folder that holds official-workloads";
    }
  }
};

TEST_P(OfficialWorkload, IsWrittenBackByteForByte) {
  const TempFolder folder;
  const std::string out = folder.path("again.csv");
  AuthorsCsvSource source(path_of(GetParam()));
  AuthorsCsvSink sink(out);
  copy(source, sink);
  EXPECT_TRUE(read_file(out) == read_file(path_of(GetParam())));
}

TEST_P(OfficialWorkload, PassesThroughTheBinaryFormatUnchanged) {
  const TempFolder folder;
  const std::string out = folder.path("workload.trace");
  AuthorsCsvSource source(path_of(GetParam())), again(path_of(GetParam()));
  FileSink sink(out);
  EXPECT_EQ(copy(source, sink), GetParam().records);
  FileSource back(out);
  EXPECT_EQ(back.header(), again.header());
  EXPECT_EQ(drain(back), drain(again));
  EXPECT_LT(std::filesystem::file_size(out), 3 * GetParam().records);
}

TEST_P(OfficialWorkload, CountsAddUp) {
  const Workload& w = GetParam();
  AuthorsCsvSource source(path_of(w));
  const Summary s = summarize(source);
  EXPECT_EQ(s.layers, w.layers);
  EXPECT_EQ(s.heads, w.heads);
  EXPECT_EQ(s.steps, 32u);
  EXPECT_EQ(s.records, w.records);
  EXPECT_EQ(s.rows, w.records);
  EXPECT_EQ(s.k_fetched, w.k_fetched);
  EXPECT_EQ(s.v_fetched, w.v_fetched);
  EXPECT_EQ(s.dense_fetched, w.dense_fetched);
  EXPECT_EQ(s.dense_fetched_per_head, w.per_head);
  EXPECT_EQ(s.lsb_rows, w.lsb_rows);
  EXPECT_EQ(s.ops_executed, w.ops);
  EXPECT_EQ(s.k_bytes(), w.k_bytes);
  EXPECT_EQ(s.v_bytes(), w.v_bytes);
  EXPECT_EQ(s.ops_dense_equivalent, w.dense_fetched * 2 * 2 * 64);
}

INSTANTIATE_TEST_SUITE_P(All, OfficialWorkload, ::testing::Values(kMediumDense, kMedium, kSmallDense, kSmall),
                         [](const auto& each) { return each.param.name; });

class OfficialReductions : public ::testing::Test {
 protected:
  Summary summary_of(const Workload& workload) {
    AuthorsCsvSource source(path_of(workload));
    return summarize(source);
  }
  void SetUp() override {
    if (!is_file(path_of(kSmall)) || !is_file(path_of(kMedium))) {
      GTEST_SKIP() << "no official workloads; set SPATTEN_SHARED_DATA to the folder that holds official-workloads";
    }
  }
};

TEST_F(OfficialReductions, OfMediumOnWikitext2) {
  const Summary s = summary_of(kMedium);
  EXPECT_NEAR(s.k_reduction(), 2.017, 0.0005);
  EXPECT_NEAR(s.v_reduction(), 6.704, 0.0005);
  EXPECT_NEAR(s.kv_reduction(), 3.101, 0.0005);
  EXPECT_NEAR(s.k_reduction_per_head(), 1.860, 0.0005);
  EXPECT_NEAR(s.v_reduction_per_head(), 6.181, 0.0005);
  EXPECT_NEAR(s.kv_reduction_per_head(), 2.859, 0.0005);
  EXPECT_NEAR(s.head_reduction(), 1.0847, 0.00005);
  EXPECT_NEAR(s.dram_reduction(32), 8.96, 0.005);
  EXPECT_NEAR(s.dram_reduction(12), 3.36, 0.005);
}

TEST_F(OfficialReductions, OfSmallOnWikitext2) {
  const Summary s = summary_of(kSmall);
  EXPECT_NEAR(s.k_reduction(), 3.622, 0.0005);
  EXPECT_NEAR(s.v_reduction(), 18.21, 0.005);
  EXPECT_NEAR(s.kv_reduction(), 6.04, 0.005);
  EXPECT_EQ(s.head_reduction(), 1.0);
  EXPECT_NEAR(s.lsb_row_ratio(), 0.0701, 0.00005);
  EXPECT_NEAR(s.dram_reduction(32), 28.9, 0.05);
  EXPECT_NEAR(s.dram_reduction(12), 10.8, 0.05);
}

}  // namespace
}  // namespace spatten::trace

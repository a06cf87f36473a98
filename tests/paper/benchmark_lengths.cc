// SPDX-License-Identifier: Apache-2.0
// The mean lengths in configs/paper/benchmarks.json, counted on the dev sets with our WordPiece tokenizer.
#include <fstream>

#include "paper/claim.h"
#include "paper/lab.h"
#include "spatten/model/tokenizer/load.h"

namespace spatten {
namespace {

struct Set {
  std::string task, file;
  std::size_t first_line;  // 1 where there is a heading
  std::size_t text, pair;  // columns; the same one for single sentences
};

const std::vector<Set> kSets = {
    {"sst-2", "glue/SST-2/dev.tsv", 1, 1, 1}, {"cola", "glue/CoLA/in_domain_dev.tsv", 0, 3, 3},
    {"rte", "glue/RTE/dev.tsv", 1, 1, 2},     {"sts-b", "glue/STS-B/sts-dev.csv", 0, 5, 6},
    {"qnli", "glue/QNLI/dev.tsv", 1, 1, 2},   {"mrpc", "glue/MRPC/msr_paraphrase_train.txt", 1, 3, 4}};

std::vector<std::string> columns_of(const std::string& line) {
  std::vector<std::string> out(1);
  for (char c : line) {
    if (c == '\t') {
      out.emplace_back();
    } else if (c != '\r') {
      out.back() += c;
    }
  }
  return out;
}

double mean_length(const Set& set, const Tokenizer& tokenizer) {
  std::ifstream file(shared_data(set.file));
  std::string line;
  double tokens = 0, items = 0;
  for (std::size_t i = 0; std::getline(file, line); ++i) {
    if (i < set.first_line || line.empty()) continue;
    const auto columns = columns_of(line);
    const Encoding e = set.text == set.pair ? tokenizer.encode(columns.at(set.text))
                                            : tokenizer.encode_pair(columns.at(set.text), columns.at(set.pair));
    tokens += static_cast<double>(e.size());
    ++items;
  }
  return tokens / items;
}

TEST(PaperBenchmarkLengths, AreTheMeansOfTheDevSets) {
  SPATTEN_NEEDS("tokenizers/bert-uncased/vocab.txt");
  const auto tokenizer = load_tokenizer(shared_data("tokenizers/bert-uncased"));
  for (const Set& set : kSets) {
    SPATTEN_NEEDS(set.file);
    for (const std::string size : {"bert-base-", "bert-large-"}) {
      EXPECT_NEAR(benchmarks_of(size + set.task).at(0).length, mean_length(set, *tokenizer), 0.55) << set.task;
    }
  }
}

TEST(PaperBenchmarkLengths, AverageWhatTheRooflineSays) {
  std::vector<double> lengths;
  for (const PaperBenchmark& b : benchmarks_of("bert")) lengths.push_back(b.length);
  EXPECT_EQ(lengths.size(), 22u);
  EXPECT_EQ(benchmarks_of("gpt2").size(), 8u);
  EXPECT_LT(mean(lengths), 100);  // HPCA'21 V-B
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// The trace of a run says the same as its report, keeps the rules of the format, and survives a file.
#include <gtest/gtest.h>

#include <algorithm>

#include "spatten/trace/file_sink.h"
#include "spatten/trace/file_source.h"
#include "spatten/trace/memory.h"
#include "spatten/trace/rules.h"
#include "support/random_model.h"

namespace spatten {
namespace {

const std::vector<std::pair<std::string, std::vector<std::string>>> kPolicies{
    {"none", {}},
    {"tokens-half", {"head.keep=0.6", "head.prompt=true", "token.prompt=true", "value.keep=0.5"}},
    {"progressive-8-4", {"token.keep=0.5", "quantization.threshold=0.2"}},
    {"kv-4x", {"value.keep=0.3"}},
};

/// What records amount to; a multiply-add is two operations.
struct Sums {
  std::uint64_t rows = 0, lsb_rows = 0, attention_ops = 0;
};

Sums sums_of(const std::vector<trace::Record>& records) {
  Sums out;
  for (const trace::Record& r : records) {
    std::uint64_t pairs = trace::key_pairs(r) + trace::value_pairs(r);
    for (std::uint32_t row = 0; row < r.rows && r.lsb_rows > 0; ++row) {
      if ((r.lsb_mask[row / 8] >> (row % 8) & 1) != 0) pairs += r.causal ? r.keys - r.rows + row + 1 : r.keys;
    }
    out.rows += r.rows;
    out.lsb_rows += r.lsb_rows;
    out.attention_ops += 2 * pairs * r.head_dim;
  }
  return out;
}

void expect_work(const std::vector<trace::Record>& records, const Work& work) {
  const Sums sums = sums_of(records);
  EXPECT_EQ(sums.rows, work.rows);
  EXPECT_EQ(sums.lsb_rows, work.lsb_rows);
  EXPECT_EQ(sums.attention_ops, work.attention_ops_executed);
}

void expect_rules(const trace::MemorySink& sink) {
  trace::Rules rules(sink.header());
  for (const trace::Record& r : sink.records()) {
    const auto problem = rules.check(r);
    ASSERT_FALSE(problem) << problem->field << ": " << problem->message;
  }
}

/// The records of one pass name the heads and keys of the report, and what each layer's top-k left for the next.
void expect_pass(const std::vector<trace::Record>& records, const PruningReport& report, std::size_t tokens) {
  std::size_t next = 0;
  for (std::uint32_t l = 0; l < report.survivors.size(); ++l) {
    for (const std::uint32_t head : report.heads[l]) {
      ASSERT_LT(next, records.size());
      const trace::Record& r = records[next++];
      EXPECT_EQ(r.layer, l);
      EXPECT_EQ(r.head, head);
      EXPECT_EQ(r.context, tokens);
      EXPECT_EQ(r.keys, report.survivors[l].size());
      if (r.keys < r.context) {
        EXPECT_EQ(r.key_ids, report.survivors[l]);
      } else {
        EXPECT_TRUE(r.key_ids.empty());
      }
    }
    if (l + 1 == report.survivors.size()) continue;
    const trace::Record& last = records[next - 1];
    const bool fewer_heads = report.heads[l + 1].size() < report.heads[l].size();
    EXPECT_EQ(last.top_k_heads, fewer_heads ? report.heads[l + 1].size() : 0);
  }
  EXPECT_EQ(next, records.size());
}

trace::Header header_of(const ModelConfig& config) {
  trace::Header header;
  header.layers = config.layers;
  header.heads = config.heads;
  header.head_dim = config.head_dim;
  return header;
}

/// A run under this policy that records a trace and how tokens were pruned.
RunOptions recorded(ThreadPool& threads, const algo::Policy& policy, trace::Sink& sink) {
  RunOptions options;
  options.threads = &threads;
  options.policy = &policy;
  options.sink = &sink;
  options.record_pruning = true;
  return options;
}

TEST(EncoderTrace, HoldsTheScoresThatWereAskedFor) {
  ThreadPool threads(2);
  const RandomModel<Bert> bert(random_bert_config({3, 3, 32}), 1, threads);
  Random random(1);
  const std::vector<Encoding> batch{random_encoding(random, 25)};
  for (const auto& [preset, overrides] : kPolicies) {
    SCOPED_TRACE(preset);
    const algo::Policy policy = policy_of(preset, overrides);
    trace::MemorySink sink;
    RunOptions options = recorded(threads, policy, sink);
    options.record_scores = true;
    sink.begin(header_of(bert.model.config()));
    const PruningReport report = bert.model.encode(batch, options).reports[0].pruning;
    sink.end();
    expect_rules(sink);
    for (std::size_t i = 0; i < sink.records().size(); ++i) {
      const trace::Record& r = sink.records()[i];
      if (!policy.token_pruning()) {
        EXPECT_TRUE(r.scores.empty());
        continue;
      }
      ASSERT_EQ(r.scores.size(), r.keys);
      const bool last_head = i + 1 == sink.records().size() || sink.records()[i + 1].layer != r.layer;
      if (!last_head) continue;  // the report tells scores after whole layers
      for (std::size_t k = 0; k < r.keys; ++k) {
        const std::uint32_t token = r.keys < r.context ? r.key_ids[k] : static_cast<std::uint32_t>(k);
        EXPECT_EQ(r.scores[k], report.layer_scores[r.layer][token]) << "layer " << r.layer << ", token " << token;
      }
    }
  }
}

TEST(EncoderTrace, AgreesWithTheReport) {
  ThreadPool threads(2);
  const RandomModel<Bert> bert(random_bert_config({3, 3, 32}), 1, threads);
  Random random(1);
  const std::vector<Encoding> batch{random_encoding(random, 25), random_encoding(random, 1), random_encoding(random, 40)};
  for (const auto& [preset, overrides] : kPolicies) {
    SCOPED_TRACE(preset);
    const algo::Policy policy = policy_of(preset, overrides);
    trace::MemorySink sink;
    RunOptions options = recorded(threads, policy, sink);
    options.first_step = 5;
    sink.begin(header_of(bert.model.config()));
    const EncoderOutput out = bert.model.encode(batch, options);
    sink.end();
    expect_rules(sink);
    for (std::size_t s = 0; s < batch.size(); ++s) {
      std::vector<trace::Record> records;
      for (const trace::Record& r : sink.records()) {
        if (r.step == 5 + s) records.push_back(r);
      }
      expect_work(records, out.reports[s].work);
      for (const trace::Record& r : records) {
        EXPECT_EQ(r.stage, trace::Stage::kSummarization);
        EXPECT_FALSE(r.causal);
      }
      if (!out.reports[s].pruning.survivors.empty()) expect_pass(records, out.reports[s].pruning, batch[s].size());
    }
  }
}

TEST(DecoderTrace, AgreesWithTheReportOfEveryPass) {
  ThreadPool threads(2);
  const RandomModel<Gpt2> gpt2(random_gpt2_config({3, 3, 32}), 1, threads);
  for (const auto& [preset, overrides] : kPolicies) {
    SCOPED_TRACE(preset);
    const algo::Policy policy = policy_of(preset, overrides);
    trace::MemorySink sink;
    RunOptions options = recorded(threads, policy, sink);
    sink.begin(header_of(gpt2.model.config()));
    Decoder decoder = gpt2.model.start(options);
    Decoder* const one[] = {&decoder};
    Random random(2);
    std::size_t seen = 0;
    for (std::uint32_t step = 0; step < 6; ++step) {
      SCOPED_TRACE(step);
      const std::vector<std::int32_t> ids = random_ids(random, step == 0 ? 24 : 1);
      gpt2.model.extend(one, {&ids, 1}, options);
      const std::vector<trace::Record> records(sink.records().begin() + static_cast<std::ptrdiff_t>(seen), sink.records().end());
      seen = sink.records().size();
      for (const trace::Record& r : records) {
        EXPECT_EQ(r.step, step);
        EXPECT_EQ(r.stage, step == 0 ? trace::Stage::kSummarization : trace::Stage::kGeneration);
        EXPECT_TRUE(r.causal);
      }
      if (policy.token_pruning()) expect_pass(records, decoder.report().pruning, decoder.length());
    }
    sink.end();
    expect_rules(sink);
    expect_work(sink.records(), decoder.report().work);
  }
}

TEST(DecoderTrace, TellsWhereScoresFadeBetweenIterations) {
  ThreadPool threads(2);
  const RandomModel<Gpt2> gpt2(random_gpt2_config({3, 3, 32}), 1, threads);
  for (const char* rescale : {"token.rescale=0.5", "token.rescale=1"}) {
    const algo::Policy policy = policy_of("tokens-half", {rescale});
    trace::MemorySink sink;
    const RunOptions options = recorded(threads, policy, sink);
    sink.begin(header_of(gpt2.model.config()));
    Decoder decoder = gpt2.model.start(options);
    Decoder* const one[] = {&decoder};
    for (const std::vector<std::int32_t>& ids : {std::vector<std::int32_t>{1, 2, 3}, {4}, {5}}) {
      gpt2.model.extend(one, {&ids, 1}, options);
    }
    sink.end();
    for (const trace::Record& r : sink.records()) {
      const bool last = r.layer == 2 && r.head == 2 && r.step > 0;  // nothing fades after the prompt
      EXPECT_EQ(r.rescale_importance, last && policy.token.rescale < 1) << r.step << ' ' << r.layer << ' ' << r.head;
    }
  }
}

TEST(DecoderTrace, SurvivesAFile) {
  ThreadPool threads(2);
  const RandomModel<Gpt2> gpt2(random_gpt2_config({2, 2, 32}), 1, threads);
  const algo::Policy policy = policy_of("tokens-half", {"value.keep=0.5", "quantization.msb_bits=8"});
  TempFolder folder;
  trace::MemorySink memory;
  trace::FileSink file(folder.path("run.trace"));
  for (trace::Sink* sink : std::initializer_list<trace::Sink*>{&memory, &file}) {
    const RunOptions options = recorded(threads, policy, *sink);
    sink->begin(header_of(gpt2.model.config()));
    Decoder decoder = gpt2.model.start(options);
    Decoder* const one[] = {&decoder};
    Random random(3);
    for (const std::size_t tokens : {20, 1, 1, 1}) {
      const std::vector<std::int32_t> ids = random_ids(random, tokens);
      gpt2.model.extend(one, {&ids, 1}, options);
    }
    sink->end();
  }
  trace::FileSource source(folder.path("run.trace"));
  std::vector<trace::Record> read;
  for (trace::Record r; source.next(r);) read.push_back(r);
  EXPECT_EQ(read, memory.records());
  EXPECT_FALSE(read.empty());
}

}  // namespace
}  // namespace spatten

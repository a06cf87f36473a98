// SPDX-License-Identifier: Apache-2.0
// What must not change a result by a single bit: the neighbours in a batch, the number of threads, a policy that keeps
// everything. On each instruction set and in each precision.
#include <gtest/gtest.h>

#include "spatten/base/fields.h"
#include "support/on_every_target.h"
#include "support/random_model.h"

namespace spatten {
namespace {

const std::vector<std::pair<std::string, std::vector<std::string>>> kPolicies{
    {"none", {}},
    {"tokens-half", {"head.keep=0.6", "value.keep=0.5"}},
    {"static-8", {}},
    {"progressive-8-4", {"token.keep=0.5"}},
};

using Batch = kernels::OnEveryTarget;
using Threads = kernels::OnEveryTarget;
using APolicyThatKeepsEverything = kernels::OnEveryTarget;
SPATTEN_ON_EVERY_CHOICE_OF_TARGET(Batch);
SPATTEN_ON_EVERY_CHOICE_OF_TARGET(Threads);
SPATTEN_ON_EVERY_CHOICE_OF_TARGET(APolicyThatKeepsEverything);

RunOptions options_of(ThreadPool& threads, const algo::Policy& policy) {
  RunOptions options;
  options.threads = &threads;
  options.policy = &policy;
  options.record_pruning = true;
  return options;
}

std::vector<float> floats(ConstMatrix m) {
  std::vector<float> out;
  for (std::size_t r = 0; r < m.rows; ++r) out.insert(out.end(), m.row(r), m.row(r) + m.cols);
  return out;
}

void expect_same(const RunReport& a, const RunReport& b) {
  EXPECT_EQ(a.pruning.survivors, b.pruning.survivors);
  EXPECT_EQ(a.pruning.heads, b.pruning.heads);
  EXPECT_EQ(a.pruning.layer_scores, b.pruning.layer_scores);
  EXPECT_EQ(a.pruning.token_scores, b.pruning.token_scores);
  EXPECT_EQ(a.pruning.layer_ops, b.pruning.layer_ops);
  std::vector<std::uint64_t> work_a, work_b;
  Work::each(a.work, [&](const char*, std::uint64_t v, const char*, const char*) { work_a.push_back(v); });
  Work::each(b.work, [&](const char*, std::uint64_t v, const char*, const char*) { work_b.push_back(v); });
  EXPECT_EQ(work_a, work_b);
}

void expect_batch_changes_no_sequence(Precision precision) {
  ThreadPool threads(2);
  const RandomModel<Bert> bert(random_bert_config({3, 3, 32}), 1, threads, precision);
  Random random(2);
  std::vector<Encoding> batch;
  for (const std::size_t length : {17, 1, 40, 2, 17, 70}) batch.push_back(random_encoding(random, length));
  for (const auto& [preset, overrides] : kPolicies) {
    SCOPED_TRACE(preset);
    const algo::Policy policy = policy_of(preset, overrides);
    const RunOptions options = options_of(threads, policy);
    const EncoderOutput together = bert.model.encode(batch, options);
    for (std::size_t s = 0; s < batch.size(); ++s) {
      const EncoderOutput alone = bert.model.encode({&batch[s], 1}, options);
      EXPECT_EQ(floats(together.hidden.view().rows_from(together.offsets[s], batch[s].size())), floats(alone.hidden.view()));
      expect_same(together.reports[s], alone.reports[0]);
    }
  }
}

TEST_P(Batch, DoesNotChangeASequence) {
  for (const Precision precision : kPrecisions) {
    SCOPED_TRACE(enum_name(precision));
    expect_batch_changes_no_sequence(precision);
  }
}

void expect_batch_changes_no_decoded_sequence(Precision precision) {
  ThreadPool threads(2);
  const RandomModel<Gpt2> gpt2(random_gpt2_config({2, 3, 32}), 1, threads, precision);
  for (const auto& [preset, overrides] : kPolicies) {
    SCOPED_TRACE(preset);
    const algo::Policy policy = policy_of(preset, overrides);
    const RunOptions options = options_of(threads, policy);
    std::vector<Decoder> together, alone;
    std::vector<Decoder*> all;
    for (int s = 0; s < 3; ++s) {
      together.push_back(gpt2.model.start(options));
      alone.push_back(gpt2.model.start(options));
    }
    for (Decoder& d : together) all.push_back(&d);
    Random random(3);
    // The second sequence always has a single token, so one pass mixes prompts and iterations.
    for (const std::size_t tokens : {9, 1, 1, 4, 1}) {
      const std::vector<std::vector<std::int32_t>> ids{random_ids(random, tokens), random_ids(random, 1),
                                                       random_ids(random, tokens)};
      const OwnedMatrix<float> logits = gpt2.model.extend(all, ids, options);
      for (std::size_t s = 0; s < 3; ++s) {
        Decoder* const one[] = {&alone[s]};
        EXPECT_EQ(floats(logits.view().rows_from(s, 1)), floats(gpt2.model.extend(one, {&ids[s], 1}, options).view()));
        expect_same(together[s].report(), alone[s].report());
      }
    }
  }
}

TEST_P(Batch, DoesNotChangeADecodedSequence) {
  for (const Precision precision : kPrecisions) {
    SCOPED_TRACE(enum_name(precision));
    expect_batch_changes_no_decoded_sequence(precision);
  }
}

void expect_threads_change_nothing(Precision precision) {
  ThreadPool one(1), two(2), three(3);
  const RandomModel<Bert> bert(random_bert_config({3, 5, 32}), 1, two, precision);
  const RandomModel<Gpt2> gpt2(random_gpt2_config({3, 3, 64}), 1, two, precision);
  Random random(2);
  const std::vector<Encoding> batch{random_encoding(random, 33), random_encoding(random, 12)};
  const std::vector<std::int32_t> prompt = random_ids(random, 40);
  for (const auto& [preset, overrides] : kPolicies) {
    SCOPED_TRACE(preset);
    const algo::Policy policy = policy_of(preset, overrides);
    const EncoderOutput expected = bert.model.encode(batch, options_of(one, policy));
    Decoder decoder = gpt2.model.start(options_of(one, policy));
    const OwnedMatrix<float> logits = gpt2.model.extend_all_logits(decoder, prompt, options_of(one, policy));
    for (ThreadPool* threads : {&two, &three}) {
      const EncoderOutput out = bert.model.encode(batch, options_of(*threads, policy));
      EXPECT_EQ(floats(out.hidden.view()), floats(expected.hidden.view()));
      for (std::size_t s = 0; s < batch.size(); ++s) expect_same(out.reports[s], expected.reports[s]);
      Decoder other = gpt2.model.start(options_of(*threads, policy));
      EXPECT_EQ(floats(gpt2.model.extend_all_logits(other, prompt, options_of(*threads, policy)).view()), floats(logits.view()));
      expect_same(other.report(), decoder.report());
    }
  }
}

TEST_P(Threads, DoNotChangeAResult) {
  for (const Precision precision : kPrecisions) {
    SCOPED_TRACE(enum_name(precision));
    expect_threads_change_nothing(precision);
  }
}

void expect_keeping_everything_is_dense(Precision precision) {
  ThreadPool threads(2);
  const RandomModel<Bert> bert(random_bert_config({2, 2, 64}), 1, threads, precision);
  const RandomModel<Gpt2> gpt2(random_gpt2_config({2, 2, 64}), 1, threads, precision);
  Random random(2);
  const Encoding input = random_encoding(random, 30);
  const std::vector<std::int32_t> ids = random_ids(random, 30);
  const std::vector<std::vector<std::string>> keeping_all{
      {}, {"token.counts=[1000,1000]"}, {"head.counts=[2,2]"}, {"token.ratios=[1,1]", "head.ratios=[1,1]"}, {"token.reference_length=1024", "token.keep=0.9"}};
  RunOptions dense;
  dense.threads = &threads;
  const EncoderOutput expected = bert.model.encode({&input, 1}, dense);
  for (const std::vector<std::string>& overrides : keeping_all) {
    SCOPED_TRACE(overrides.empty() ? "none" : overrides[0]);
    const algo::Policy policy = policy_of("none", overrides);
    const RunOptions options = options_of(threads, policy);
    const EncoderOutput out = bert.model.encode({&input, 1}, options);
    EXPECT_EQ(floats(out.hidden.view()), floats(expected.hidden.view()));
    EXPECT_EQ(out.reports[0].work.ops_executed, out.reports[0].work.ops_dense_equivalent);
    EXPECT_EQ(out.reports[0].work.ops_executed, expected.reports[0].work.ops_executed);
    EXPECT_EQ(out.reports[0].work.kv_bytes_read, out.reports[0].work.kv_bytes_dense);

    Decoder a = gpt2.model.start(dense), b = gpt2.model.start(options);
    EXPECT_EQ(floats(gpt2.model.extend_all_logits(a, ids, dense).view()), floats(gpt2.model.extend_all_logits(b, ids, options).view()));
    for (int i = 0; i < 3; ++i) {
      const std::vector<std::int32_t> next[] = {{i}};
      Decoder *const pa[] = {&a}, *const pb[] = {&b};
      EXPECT_EQ(floats(gpt2.model.extend(pa, next, dense).view()), floats(gpt2.model.extend(pb, next, options).view()));
    }
    EXPECT_EQ(a.kv_bytes(), b.kv_bytes());
  }
}

TEST_P(APolicyThatKeepsEverything, IsTheDenseRun) {
  for (const Precision precision : kPrecisions) {
    SCOPED_TRACE(enum_name(precision));
    expect_keeping_everything_is_dense(precision);
  }
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Whole models on the chip's arithmetic: every head has the bits of algo/fixed_attention, whatever is pruned and whoever
// runs beside it; work and trace tell its widths. What it costs trained models: chip_accuracy_test.cc.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "spatten/trace/memory.h"
#include "support/chip_task.h"
#include "support/random_model.h"

namespace spatten {
namespace {

using testing::Each;
using testing::Field;

const std::vector<std::pair<std::string, std::vector<std::string>>> kPolicies{
    {"none", {}},
    {"tokens-half", {"head.keep=0.6", "value.keep=0.5"}},
    {"static-8", {"quantization.granularity=tensor"}},
    {"progressive-6-4", {"token.keep=0.5", "value.keep=0.4", "token.importance=value_weighted"}},
    {"progressive-8-4", {"quantization.msb_bits=12", "token.importance=probe", "token.keep=0.6"}},
    {"kv-4x", {}},
};

RunOptions on_chip(ThreadPool& threads, const algo::Policy& policy) {
  RunOptions options;
  options.threads = &threads;
  options.policy = &policy;
  options.arithmetic = Arithmetic::kChip;
  options.record_pruning = true;
  return options;
}

std::vector<float> floats(ConstMatrix m) {
  std::vector<float> out;
  for (std::size_t r = 0; r < m.rows; ++r) out.insert(out.end(), m.row(r), m.row(r) + m.cols);
  return out;
}

std::vector<std::uint64_t> numbers(const Work& work) {
  std::vector<std::uint64_t> out;
  Work::each(work, [&](const char*, std::uint64_t v, const char*, const char*) { out.push_back(v); });
  return out;
}

/// Computes every head again by algo alone and compares the bits.
class Recompute : public OperandTap {
 public:
  explicit Recompute(const algo::Policy& policy) : policy_(policy) {}

  void see(const HeadOperands& o) override {
    const algo::FixedHead head = algo::attend_fixed_head(task_of(o, policy_.quantization));
    std::vector<float> expected;
    for (const algo::FixedRow& row : head.rows) {
      for (const algo::Fixed12 x : row.out) expected.push_back(static_cast<float>(x) * head.value_scale());
    }
    const std::lock_guard lock(mutex_);
    ++heads_;
    different_ += expected != floats(o.out);
  }
  int heads() const { return heads_; }
  int different() const { return different_; }

 private:
  const algo::Policy& policy_;
  std::mutex mutex_;
  int heads_ = 0, different_ = 0;
};

TEST(ChipArithmetic, EveryHeadOfAnEncoderIsTheDatapathBitForBit) {
  ThreadPool threads(2);
  const RandomModel<Bert> bert(random_bert_config({3, 3, 32}), 1, threads);
  Random random(2);
  const std::vector<Encoding> batch{random_encoding(random, 19), random_encoding(random, 1), random_encoding(random, 40)};
  for (const auto& [preset, overrides] : kPolicies) {
    SCOPED_TRACE(preset);
    const algo::Policy policy = policy_of(preset, overrides);
    Recompute recompute(policy);
    RunOptions options = on_chip(threads, policy);
    options.tap = &recompute;
    bert.model.encode(batch, options);
    EXPECT_GE(recompute.heads(), 3 * 3);
    EXPECT_EQ(recompute.different(), 0);
  }
}

TEST(ChipArithmetic, EveryHeadOfADecoderIsTheDatapathBitForBit) {
  ThreadPool threads(2);
  const RandomModel<Gpt2> gpt2(random_gpt2_config({3, 3, 32}), 1, threads);
  for (const auto& [preset, overrides] : kPolicies) {
    SCOPED_TRACE(preset);
    const algo::Policy policy = policy_of(preset, overrides);
    Recompute recompute(policy);
    RunOptions options = on_chip(threads, policy);
    options.tap = &recompute;
    Decoder decoder = gpt2.model.start(options);
    Decoder* const one[] = {&decoder};
    Random random(3);
    for (const std::size_t tokens : {20, 1, 1, 3, 1, 1}) {
      const std::vector<std::int32_t> ids[] = {random_ids(random, tokens)};
      gpt2.model.extend(one, ids, options);
    }
    EXPECT_GE(recompute.heads(), 6 * 3);
    EXPECT_EQ(recompute.different(), 0);
  }
}

TEST(ChipArithmetic, NeitherBatchNorThreadsChangeABit) {
  ThreadPool one(1), three(3);
  const RandomModel<Bert> bert(random_bert_config({3, 3, 32}), 1, one);
  Random random(2);
  std::vector<Encoding> batch;
  for (const std::size_t length : {17, 1, 40}) batch.push_back(random_encoding(random, length));
  for (const auto& [preset, overrides] : kPolicies) {
    SCOPED_TRACE(preset);
    const algo::Policy policy = policy_of(preset, overrides);
    const EncoderOutput together = bert.model.encode(batch, on_chip(three, policy));
    for (std::size_t s = 0; s < batch.size(); ++s) {
      const EncoderOutput alone = bert.model.encode({&batch[s], 1}, on_chip(one, policy));
      EXPECT_EQ(floats(together.hidden.view().rows_from(together.offsets[s], batch[s].size())), floats(alone.hidden.view()));
      EXPECT_EQ(numbers(together.reports[s].work), numbers(alone.reports[0].work));
      EXPECT_EQ(together.reports[s].pruning.token_scores, alone.reports[0].pruning.token_scores);
    }
  }
}

TEST(ChipArithmetic, CountsTheWorkThatTheSameWidthsTakeInFloatingPoint) {
  ThreadPool threads(2);
  const RandomModel<Bert> bert(random_bert_config({3, 4, 32}), 1, threads);
  const RandomModel<Gpt2> gpt2(random_gpt2_config({3, 4, 32}), 1, threads);
  Random random(2);
  const Encoding input = random_encoding(random, 30);
  const std::vector<std::int32_t> prompt = random_ids(random, 25), next = random_ids(random, 1);
  // Who is pruned depends on counts alone, so that both arithmetics do the same.
  for (const char* bits : {"4", "6", "8", "10", "12"}) {
    SCOPED_TRACE(bits);
    const algo::Policy policy =
        policy_of("none", {"token.keep=0.6", "token.importance=recent", "value.keep=0.5", std::string("quantization.query_bits=") + bits,
                           std::string("quantization.key_bits=") + bits, std::string("quantization.value_bits=") + bits});
    RunOptions chip = on_chip(threads, policy), plain = chip;
    plain.arithmetic = Arithmetic::kFloat;
    Work chip_work = bert.model.encode({&input, 1}, chip).reports[0].work;
    Work plain_work = bert.model.encode({&input, 1}, plain).reports[0].work;
    // Which V rows no query keeps depends on probabilities that few bits change; all else does not.
    EXPECT_NEAR(static_cast<double>(chip_work.kv_bytes_read), static_cast<double>(plain_work.kv_bytes_read),
                0.1 * static_cast<double>(plain_work.kv_bytes_read));
    chip_work.kv_bytes_read = plain_work.kv_bytes_read;
    EXPECT_EQ(numbers(chip_work), numbers(plain_work));

    std::vector<std::uint64_t> decoded;
    for (const RunOptions& options : {chip, plain}) {
      Decoder decoder = gpt2.model.start(options);
      Decoder* const one[] = {&decoder};
      for (const std::vector<std::int32_t>& ids : {next, prompt, next, next}) gpt2.model.extend(one, {&ids, 1}, options);
      Work work = decoder.report().work;
      decoded.push_back(work.attention_ops_executed);
    }
    EXPECT_EQ(decoded[0], decoded[1]);
  }
}

TEST(ChipArithmetic, TheTraceHoldsTheWidthsThatRan) {
  ThreadPool threads(1);
  const RandomModel<Bert> bert(random_bert_config({2, 2, 32}), 1, threads);
  Random random(2);
  const Encoding input = random_encoding(random, 12);
  trace::MemorySink dense, progressive;
  const algo::Policy none, split = policy_of("progressive-6-4", {"quantization.threshold=1"});
  RunOptions options = on_chip(threads, none);
  options.sink = &dense;
  bert.model.encode({&input, 1}, options);
  EXPECT_THAT(dense.records(), Each(testing::AllOf(Field(&trace::Record::key_msb_bits, 12), Field(&trace::Record::key_lsb_bits, 0),
                                                   Field(&trace::Record::query_bits, 12), Field(&trace::Record::value_bits, 12),
                                                   Field(&trace::Record::lsb_rows, 0u))));
  options = on_chip(threads, split);
  options.sink = &progressive;
  const Work work = bert.model.encode({&input, 1}, options).reports[0].work;
  ASSERT_EQ(progressive.records().size(), 4u);
  EXPECT_THAT(progressive.records(), Each(testing::AllOf(Field(&trace::Record::key_msb_bits, 6), Field(&trace::Record::key_lsb_bits, 4),
                                                         Field(&trace::Record::value_bits, 6), Field(&trace::Record::lsb_rows, 12u))));
  EXPECT_EQ(work.lsb_rows, 4u * 12);
  EXPECT_EQ(work.rows, work.lsb_rows);
}

}  // namespace
}  // namespace spatten

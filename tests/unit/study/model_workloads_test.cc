// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/model_workloads.h"

#include <gtest/gtest.h>

#include "spatten/model/checkpoint.h"
#include "unit/study/small_shapes.h"

namespace spatten {
namespace {

class DecoderSpeed : public ::testing::Test {
 protected:
  DecoderSpeed() {
    Json config = small_gpt2();
    config["n_positions"] = 40;
    model_ = std::make_shared<const Gpt2>(Checkpoint::random(config_of(config), 1), threads_);
  }
  ThreadPool threads_{2};
  std::shared_ptr<const Gpt2> model_;
};

TEST_F(DecoderSpeed, StaysInItsWindowOfContexts) {
  DecoderWorkload decoder(model_, {.context = 20, .window = 10, .tokens_per_run = 4}, {&threads_, {}});
  std::vector<std::size_t> lengths;
  for (int i = 0; i < 4; ++i) {
    decoder.prepare();
    decoder.run();
    lengths.push_back(decoder.length());
  }
  EXPECT_EQ(lengths, (std::vector<std::size_t>{19, 23, 19, 23}));
}

TEST_F(DecoderSpeed, ReadsTheWeightsAndTheRowsOfKAndV) {
  DecoderWorkload decoder(model_, {.context = 20, .window = 2, .tokens_per_run = 2}, {&threads_, {}});
  decoder.prepare();
  decoder.run();
  // By hand: 2 layers of K and V, 32 floats a token, at 20 and 21 tokens; the LM head is the table of 40 tokens.
  const double kv = 2 * 2 * 32 * 4 * 20.5;
  const double layer = 32 * 96 + 96 + 32 * 32 + 32 + 2 * 32 * 128 + 128 + 32 + 4 * 32;
  const double weights = 4 * (2 * layer + 2 * 32 + 40 * 32);
  EXPECT_DOUBLE_EQ(decoder.read_bytes(), kv + weights);
}

TEST_F(DecoderSpeed, PermanentEvictionReadsFewerRows) {
  algo::Policy quarter;
  quarter.token.keep = 0.25;
  quarter.token.first_iteration = 0;
  quarter.token.eviction = algo::Eviction::kPermanent;
  const DecoderWorkload::Shape shape{.context = 24, .window = 8, .tokens_per_run = 4};
  DecoderWorkload dense(model_, shape, {&threads_, {}}), pruned(model_, shape, {&threads_, quarter});
  for (Workload* w : {static_cast<Workload*>(&dense), static_cast<Workload*>(&pruned)}) {
    w->prepare();
    w->run();
  }
  EXPECT_LT(pruned.read_bytes(), dense.read_bytes());
  EXPECT_LT(pruned.operations(), dense.operations());
}

TEST(StepWeightBytes, LeavesOutTablesThatAreLookedUp) {
  Json json = small_gpt2();
  EXPECT_EQ(step_weight_bytes(config_of(json), 10000), 10000 - 4 * 12 * 32);
  json["tie_word_embeddings"] = false;
  EXPECT_EQ(step_weight_bytes(config_of(json), 10000), 10000 - 4 * (12 + 40) * 32);
}

TEST(EncoderSpeed, CountsTheWorkOfOnePass) {
  ThreadPool threads(2);
  const auto model = std::make_shared<const Bert>(Checkpoint::random(config_of(small_bert()), 1), threads);
  EncoderWorkload once(model, 12, 1, {&threads, {}}), often(model, 12, 5, {&threads, {}});
  once.run();
  often.run();
  EXPECT_EQ(often.units(), 5);
  EXPECT_GT(once.operations(), 0);
  EXPECT_EQ(once.operations(), often.operations());
  EXPECT_EQ(once.work().ops_executed, once.work().ops_dense_equivalent);
}

}  // namespace
}  // namespace spatten

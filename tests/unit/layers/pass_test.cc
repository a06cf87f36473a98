// SPDX-License-Identifier: Apache-2.0
// The matrices of a pass: pruned rows leave, the others move up; chunks of rows; the counters of work.
#include "spatten/layers/pass.h"

#include <gmock/gmock.h>

#include <mutex>

#include "spatten/layers/layer_norm.h"
#include "spatten/layers/shrink.h"
#include "spatten/layers/work.h"
#include "unit/layers/random_rows.h"

namespace spatten {
namespace {

using testing::Each;
using testing::ElementsAre;

/// Two sequences of 5 and 3 rows whose policy keeps the newest tokens: 2 of the first from layer 1 on, both pruned.
class ShrinkingPass : public testing::Test {
 protected:
  ShrinkingPass() {
    policy_.token.counts = {5, 2};
    policy_.token.importance = algo::Importance::kRecent;
    policy_.token.protect.cls = false;
    for (const std::size_t rows : {std::size_t{5}, std::size_t{3}}) {
      cascades_.emplace_back(policy_, algo::ModelShape{2, 1, 16, 100, false}, std::vector<std::uint8_t>(rows, 0));
    }
    pass_.x = random_rows(8, 4, 1);
    pass_.context = random_rows(8, 4, 2);
    for (std::size_t s = 0, row = 0; s < 2; ++s) {
      PassSequence& sequence = pass_.sequences.emplace_back();
      sequence.first_row = row;
      sequence.rows = sequence.new_tokens = s == 0 ? 5 : 3;
      for (std::uint32_t t = 0; t < sequence.rows; ++t) sequence.row_tokens.push_back(t);
      sequence.cascade = &cascades_[s];
      sequence.frozen = frozen_.view().rows_from(row, sequence.rows);
      row += sequence.rows;
    }
  }
  std::vector<algo::LayerDecision> end_layer() {
    std::vector<algo::LayerDecision> out;
    for (algo::CascadeState& c : cascades_) out.push_back(c.end_layer(0));
    return out;
  }

  algo::Policy policy_;
  std::vector<algo::CascadeState> cascades_;
  OwnedMatrix<float> frozen_{8, 4};
  Pass pass_;
};

TEST_F(ShrinkingPass, MovesLivingRowsUpAndFreezesTheRest) {
  const OwnedMatrix<float> x = random_rows(8, 4, 1), context = random_rows(8, 4, 2);
  shrink(pass_, end_layer(), true);
  EXPECT_EQ(pass_.total_rows(), 4u);
  EXPECT_THAT(pass_.sequences[0].row_tokens, ElementsAre(3, 4));
  EXPECT_THAT(pass_.sequences[1].row_tokens, ElementsAre(1, 2));
  EXPECT_EQ(pass_.sequences[1].first_row, 2u);
  const std::size_t from[] = {3, 4, 6, 7}, gone[] = {0, 1, 2, 5};
  for (std::size_t r = 0; r < 4; ++r) {
    EXPECT_EQ(row_of(pass_.x.view(), r), row_of(x.view(), from[r]));
    EXPECT_EQ(row_of(pass_.context.view(), r), row_of(context.view(), from[r]));
    EXPECT_EQ(row_of(frozen_.view(), gone[r]), row_of(x.view(), gone[r]));
  }
  freeze_survivors(pass_);
  for (std::size_t r = 0; r < 8; ++r) EXPECT_EQ(row_of(frozen_.view(), r), row_of(x.view(), r));
}

TEST_F(ShrinkingPass, LeavesTheContextAloneAfterTheLayer) {
  const OwnedMatrix<float> context = random_rows(8, 4, 2);
  shrink(pass_, end_layer(), false);
  EXPECT_EQ(pass_.total_rows(), 4u);
  for (std::size_t r = 0; r < 8; ++r) EXPECT_EQ(row_of(pass_.context.view(), r), row_of(context.view(), r));
}

TEST_F(ShrinkingPass, ChangesNothingWhenNobodyLeaves) {
  const OwnedMatrix<float> x = random_rows(8, 4, 1);
  shrink(pass_, std::vector<algo::LayerDecision>(2), true);
  EXPECT_EQ(pass_.total_rows(), 8u);
  for (std::size_t r = 0; r < 8; ++r) EXPECT_EQ(row_of(pass_.x.view(), r), row_of(x.view(), r));
}

TEST_F(ShrinkingPass, WorksBesideASequenceThatIsNotPruned) {
  pass_.sequences[0].cascade = nullptr;
  const OwnedMatrix<float> x = random_rows(8, 4, 1);
  std::vector<algo::LayerDecision> decisions(1);
  decisions.push_back(cascades_[1].end_layer(0));
  shrink(pass_, decisions, false);
  EXPECT_EQ(pass_.total_rows(), 7u);
  EXPECT_EQ(pass_.sequences[1].first_row, 5u);
  EXPECT_EQ(row_of(pass_.x.view(), 5), row_of(x.view(), 6));
}

TEST(Pass, OfNothingHasNoRows) { EXPECT_EQ(Pass{}.total_rows(), 0u); }

TEST(ForRowChunks, CoversEveryRowOnce) {
  ThreadPool threads(2);
  for (const std::size_t rows : {0, 1, 31, 32, 33, 100}) {
    std::vector<int> seen(rows, 0);
    std::mutex mutex;
    for_row_chunks(threads, rows, [&](std::size_t first, std::size_t count) {
      const std::lock_guard lock(mutex);
      for (std::size_t r = first; r < first + count; ++r) ++seen.at(r);
    });
    EXPECT_THAT(seen, Each(1));
  }
}

TEST(LayerNorm, MayWriteOverItsInput) {
  ThreadPool threads(2);
  LayerNorm norm;
  norm.gamma.assign(32, 2.0f);
  norm.beta.assign(32, 1.0f);
  OwnedMatrix<float> x = random_rows(70, 32, 1), y(70, 32);
  norm(x.view(), y.view(), threads);
  norm(x.view(), x.view(), threads);
  for (std::size_t r = 0; r < 70; ++r) {
    EXPECT_EQ(row_of(x.view(), r), row_of(y.view(), r));
    double mean = 0;
    for (const float v : row_of(y.view(), r)) mean += static_cast<double>(v) / 32;
    EXPECT_NEAR(mean, 1.0, 1e-6);
  }
}

TEST(Work, AddsEveryCounter) {
  Work a, b;
  std::uint64_t next = 1;
  Work::each(a, [&](const char*, std::uint64_t& v, const char*, const char*) { v = next++; });
  Work::each(b, [&](const char*, std::uint64_t& v, const char*, const char*) { v = 100 * next++; });
  const Work before = a;
  a += b;
  std::vector<std::uint64_t> sums, left, right;
  const auto into = [](std::vector<std::uint64_t>& out) {
    return [&out](const char*, const std::uint64_t& v, const char*, const char*) { out.push_back(v); };
  };
  Work::each(a, into(sums));
  Work::each(before, into(left));
  Work::each(b, into(right));
  ASSERT_FALSE(sums.empty());
  for (std::size_t i = 0; i < sums.size(); ++i) EXPECT_EQ(sums[i], left[i] + right[i]);
  EXPECT_EQ(a.ops_executed, before.ops_executed + b.ops_executed);
  EXPECT_EQ(a.lsb_rows, before.lsb_rows + b.lsb_rows);
}

TEST(Work, OfATaskHeadIsTheSameWithAndWithoutPruning) {
  Work work;
  add_head_ops(work, 7);
  EXPECT_EQ(work.ops_executed, 7u);
  EXPECT_EQ(work.ops_dense_equivalent, 7u);
  EXPECT_EQ(work.attention_ops_executed, 0u);
}

}  // namespace
}  // namespace spatten

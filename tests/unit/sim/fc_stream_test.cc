// SPDX-License-Identifier: Apache-2.0
// FC layers end to end: how often weights are read, what their products take, and that the arrays' time is told.
#include "spatten/sim/accelerator/fc_stream.h"

#include <gtest/gtest.h>

#include "spatten/sim/memory/make_memory.h"

namespace spatten::sim {
namespace {

constexpr std::uint64_t kHidden = 256, kInner = 1024, kWeights = 4 * kHidden * kHidden + 2 * kHidden * kInner;

struct Layers {
  explicit Layers(std::uint32_t bits)
      : chip(load_chip(SPATTEN_SOURCE_DIR "/configs/hw/spatten-e2e.json", {"fc.weight_bits=" + std::to_string(bits)})),
        fc(chip, [] { return make_memory("ideal:20", {}); }) {
    header.heads = 4;
    header.hidden = kHidden;
    header.ffn = kInner;
  }
  /// All heads of a layer, each with so many query rows.
  void layer(std::uint32_t step, std::uint32_t number, std::uint32_t rows) {
    trace::Record r;
    r.step = step;
    r.layer = number;
    r.rows = rows;
    for (r.head = 0; r.head < 4; ++r.head) fc.count(header, r);
  }
  Result result() const {
    Result total;
    fc.add_to(total);
    return total;
  }
  ChipSpec chip;
  trace::Header header;
  FcStream fc;
};

const UnitResult& unit(const Result& result, const std::string& name) {
  for (const UnitResult& u : result.units) {
    if (u.name == name) return u;
  }
  ADD_FAILURE() << name;
  return result.units.front();
}

TEST(FcStream, ReadsTheWeightsOfALayerOncePerPass) {
  Layers two(8);
  for (std::uint32_t step : {0u, 1u}) two.layer(step, 0, 1);
  const Result result = two.result();
  EXPECT_EQ(result.bytes.weights, 2 * kWeights);
  EXPECT_EQ(result.fc_ops, 2 * 2 * kWeights);
  EXPECT_EQ(result.fc_ops_dense_equivalent, result.fc_ops);
  EXPECT_EQ(result.cycles, result.fc_cycles);
  // 16 channels of 32 bytes a cycle, 16 reads of 20 cycles under way in each: 16 / 21 of the peak.
  EXPECT_NEAR(static_cast<double>(result.cycles), 2 * kWeights / (512.0 * 16 / 21), 0.05 * static_cast<double>(result.cycles));
}

TEST(FcStream, TakesOneAndAHalfTimesAsLongWithTwelveBits) {
  Layers narrow(8), wide(12);
  narrow.layer(0, 0, 1);
  wide.layer(0, 0, 1);
  EXPECT_EQ(wide.result().bytes.weights, kWeights * 12 / 8);
  EXPECT_NEAR(static_cast<double>(wide.result().cycles) / static_cast<double>(narrow.result().cycles), 1.5, 0.02);
}

TEST(FcStream, WaitsForTheArraysWhenManyRowsShareTheWeights) {
  Layers prompt(8);
  prompt.layer(0, 0, 100);
  const Result result = prompt.result();
  EXPECT_EQ(result.bytes.weights, kWeights);
  EXPECT_EQ(result.cycles, kWeights * 100 / 1024);  // two arrays of 512
  EXPECT_EQ(unit(result, "qk").activity.busy(), result.cycles);
}

TEST(FcStream, LeavesOutTokensThatHaveLeft) {
  Layers pruned(8);
  pruned.layer(0, 0, 40);
  pruned.layer(0, 1, 10);
  pruned.layer(1, 0, 30);
  const Result result = pruned.result();
  EXPECT_EQ(result.fc_ops, 2 * kWeights * (40 + 10 + 30));
  EXPECT_EQ(result.fc_ops_dense_equivalent, 2 * kWeights * (40 + 40 + 30));
}

TEST(FcStream, AccountsForTheTimeOfEveryUnit) {
  Layers mixed(8);
  mixed.layer(0, 0, 1);
  mixed.layer(0, 1, 30);
  const Result result = mixed.result();
  for (const UnitResult& u : result.units) {
    EXPECT_EQ(u.activity.busy() + u.activity.idle() + u.activity.stalled(), result.cycles) << u.name;
  }
  for (const char* array : {"qk", "prob_v"}) {
    EXPECT_EQ(unit(result, array).activity.busy(), kWeights / 1024 + kWeights * 30 / 1024);
    EXPECT_EQ(unit(result, array).counter("multiplies"), kWeights * 31 / 2);
  }
}

TEST(FcStream, IsNothingOnAChipThatOnlyAttends) {
  Layers off(0);
  off.layer(0, 0, 1);
  EXPECT_EQ(off.result().cycles, 0u);
  EXPECT_EQ(off.result().fc_ops_dense_equivalent, 0u);
}

}  // namespace
}  // namespace spatten::sim

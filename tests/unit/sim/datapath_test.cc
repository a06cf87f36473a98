// SPDX-License-Identifier: Apache-2.0
// The machine computes: every output of the chip equals the scalar datapath of algo/, bit for bit.
#include <gtest/gtest.h>

#include <map>
#include <tuple>

#include "spatten/base/random.h"
#include "spatten/sim/accelerator/simulate.h"
#include "spatten/sim/memory/make_memory.h"
#include "spatten/trace/memory.h"

namespace spatten::sim {
namespace {

struct Case {
  const char* name;
  const char* chip;
  std::uint32_t keys, rows, head_dim, value_keep;
  bool causal;
  std::uint8_t key_bits, lsb_bits, value_bits;
  double threshold;
};

/// Two heads of random numbers, in fp32 and as the chip holds them; collects what comes out.
class Numbers final : public OperandStore {
 public:
  explicit Numbers(const Case& c) {
    Random random(c.keys * 31 + c.rows);
    for (std::uint32_t head = 0; head < 2; ++head) {
      Matrix& m = matrices_[head];
      for (auto* values : {&m.q, &m.k, &m.v}) values->resize(std::size_t{values == &m.q ? c.rows : c.keys} * c.head_dim);
      for (auto* values : {&m.q, &m.k, &m.v}) {
        for (float& v : *values) v = static_cast<float>(random.normal());
      }
      algo::FixedHeadTask task{.q = {m.q.data(), c.rows, c.head_dim}, .k = {m.k.data(), c.keys, c.head_dim},
                               .v = {m.v.data(), c.keys, c.head_dim}};
      task.inverse_sqrt_dim = 0.125f;
      algo::QuantizationPolicy widths;
      widths.msb_bits = c.key_bits;
      widths.lsb_bits = c.lsb_bits;
      widths.value_bits = c.value_bits;
      widths.threshold = c.threshold;
      task.quantization = algo::chip_quantization(widths);
      task.causal = c.causal;
      keeps_[head].assign(c.rows, c.value_keep);
      if (c.value_keep > 0) task.value_keeps = keeps_[head];
      expected_[head] = algo::attend_fixed_head(task);
      operands_[head] = make_operands(task);
    }
  }
  std::shared_ptr<const HeadOperands> find(const trace::Record& record) override { return operands_[record.head]; }
  void output(const trace::Record& record, std::uint32_t row, const algo::FixedRow& result) override {
    const algo::FixedRow& expected = expected_[record.head].rows[row];
    EXPECT_EQ(result.probabilities, expected.probabilities) << record.head << " " << row;
    EXPECT_EQ(result.kept_values, expected.kept_values) << record.head << " " << row;
    EXPECT_EQ(result.out, expected.out) << record.head << " " << row;
    EXPECT_EQ(result.used_lsb, expected.used_lsb) << record.head << " " << row;
    used_lsb += result.used_lsb ? 1 : 0;
    ++outputs;
  }

  void importance(const trace::Record& record, const HeadImportance& found) override {
    EXPECT_EQ(found.tokens, expected_[record.head].importance) << record.head;
    EXPECT_EQ(found.magnitude, expected_[record.head].magnitude) << record.head;
    ++heads;
  }

  std::uint32_t outputs = 0, used_lsb = 0, heads = 0;

 private:
  struct Matrix {
    std::vector<float> q, k, v;
  };
  std::map<std::uint32_t, Matrix> matrices_;
  std::map<std::uint32_t, std::vector<std::uint32_t>> keeps_;
  std::map<std::uint32_t, algo::FixedHead> expected_;
  std::map<std::uint32_t, std::shared_ptr<const HeadOperands>> operands_;
};

class Datapath12 : public ::testing::TestWithParam<Case> {};

TEST_P(Datapath12, OutputsEqualTheScalarDatapathBitForBit) {
  const Case& c = GetParam();
  const ChipSpec chip = load_chip(std::string(SPATTEN_SOURCE_DIR "/configs/hw/") + c.chip + ".json");
  trace::MemorySink trace;
  trace::Header header;
  header.family = c.rows > 1 ? "bert" : "gpt2";
  header.layers = 1;
  header.heads = 2;
  header.head_dim = c.head_dim;
  trace.begin(header);
  for (std::uint32_t head = 0; head < 2; ++head) {
    trace::Record r;
    r.head = head;
    r.context = r.keys = c.keys;
    r.values = c.value_keep > 0 ? std::min(c.value_keep, c.keys) : c.keys;
    r.rows = c.rows;
    r.stage = c.rows > 1 ? trace::Stage::kSummarization : trace::Stage::kGeneration;
    r.causal = c.causal;
    r.head_dim = c.head_dim;
    r.key_msb_bits = c.key_bits;
    r.key_lsb_bits = c.lsb_bits;
    r.value_bits = c.value_bits;
    r.threshold = c.threshold;
    trace.write(r);
  }
  trace.end();
  for (const std::uint64_t order : {0, 7}) {
    Numbers numbers(c);
    trace::MemorySource source(trace.header(), trace.records());
    SimulationOptions options;
    options.operands = &numbers;
    options.shuffle_units = order;
    const Result result = simulate(source, chip, [] { return make_memory("ideal:20"); }, options);
    EXPECT_EQ(numbers.outputs, 2 * c.rows);
    EXPECT_EQ(result.rows, 2 * c.rows);
    EXPECT_EQ(numbers.heads, chip.importance ? 2u : 0u);
    for (const UnitResult& unit : result.units) {
      if (unit.name == "requant") {
        EXPECT_EQ(unit.counter("replays"), numbers.used_lsb);
      }
      EXPECT_EQ(unit.activity.busy() + unit.activity.idle() + unit.activity.stalled(), result.cycles) << unit.name;
    }
    if (std::string(c.name) == "Progressive") {
      EXPECT_GT(numbers.used_lsb, 0u);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, Datapath12,
    ::testing::Values(Case{"Static", "spatten", 40, 9, 64, 0, false, 12, 0, 12, 0.0},
                      Case{"OneRow", "spatten", 100, 1, 64, 0, false, 8, 0, 8, 0.0},
                      Case{"OneKey", "spatten", 1, 1, 64, 0, false, 8, 4, 8, 0.1},
                      Case{"LocalValues", "spatten", 100, 1, 64, 30, false, 8, 0, 8, 0.0},
                      Case{"LocalValuesOfManyRows", "spatten", 33, 5, 64, 7, false, 8, 0, 8, 0.0},
                      Case{"Progressive", "spatten", 90, 6, 64, 0, false, 8, 4, 8, 0.1},
                      Case{"ProgressiveAndValues", "spatten", 90, 1, 64, 20, false, 6, 4, 8, 0.1},
                      Case{"Causal", "spatten", 20, 20, 64, 0, true, 8, 4, 8, 0.1},
                      Case{"SmallHead", "spatten", 30, 3, 32, 0, false, 8, 4, 8, 0.1},
                      Case{"LargeHead", "spatten", 30, 3, 128, 10, false, 8, 4, 8, 0.1},
                      Case{"Eighth", "spatten-eighth", 50, 3, 64, 9, false, 8, 4, 8, 0.1},
                      Case{"PublishedRtl", "rtl-full", 64, 1, 64, 32, false, 8, 4, 8, 0.1}),
    [](const auto& shape) { return std::string(shape.param.name); });

}  // namespace
}  // namespace spatten::sim

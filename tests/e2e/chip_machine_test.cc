// SPDX-License-Identifier: Apache-2.0
// A real model on the simulated machine: what classify and generate compute with the chip's arithmetic, head by head, is
// what comes out of the cycle-level machine when it is given the same Q, K and V: survivors, low bits and outputs.
#include <gtest/gtest.h>

#include <map>
#include <mutex>
#include <tuple>

#include "spatten/algo/cascade.h"
#include "spatten/algo/policy_file.h"
#include "spatten/model/tasks/classify.h"
#include "spatten/model/tasks/generate.h"
#include "spatten/sim/accelerator/simulate.h"
#include "spatten/sim/memory/make_memory.h"
#include "spatten/trace/memory.h"
#include "support/chip_task.h"

namespace spatten {
namespace {

/// Keeps what every head computed with and what it computed; then stands for the chip's memory and its output.
class Machine final : public OperandTap, public sim::OperandStore {
 public:
  explicit Machine(const algo::QuantizationPolicy& widths) : widths_(widths) {}

  void see(const HeadOperands& o) override {
    const algo::FixedHeadTask task = task_of(o, widths_);
    auto operands = sim::make_operands(task);
    algo::FixedHead head = algo::attend_fixed_head(task);
    const std::lock_guard lock(mutex_);
    heads_[{o.step, o.layer, o.head}] = {std::move(operands), std::move(head)};
  }

  std::shared_ptr<const sim::HeadOperands> find(const trace::Record& r) override {
    const auto it = heads_.find({r.step, r.layer, r.head});
    EXPECT_NE(it, heads_.end()) << "no operands for step " << r.step << " layer " << r.layer << " head " << r.head;
    return it == heads_.end() ? nullptr : it->second.operands;
  }
  void output(const trace::Record& r, std::uint32_t query_row, const algo::FixedRow& row) override {
    const algo::FixedRow& expected = heads_.at({r.step, r.layer, r.head}).expected.rows[query_row];
    const std::lock_guard lock(mutex_);
    const bool same = row.out == expected.out && row.probabilities == expected.probabilities &&
                      row.kept_values == expected.kept_values && row.used_lsb == expected.used_lsb;
    if (!same) ADD_FAILURE() << "step " << r.step << " layer " << r.layer << " head " << r.head << " row " << query_row;
    ++outputs;
    lsb_rows += row.used_lsb ? 1 : 0;
  }

  void importance(const trace::Record& r, const sim::HeadImportance& found) override {
    const std::lock_guard lock(mutex_);
    Head& head = heads_.at({r.step, r.layer, r.head});
    EXPECT_EQ(found.tokens, head.expected.importance);
    EXPECT_EQ(found.magnitude, head.expected.magnitude);
    head.importance = found;
  }

  /// What the cascade of `policy` keeps by the scores that the machine accumulated.
  void expect_survivors(const trace::MemorySink& trace, const algo::Policy& policy, const ModelConfig& model) const;

  std::uint64_t outputs = 0, lsb_rows = 0;

 private:
  struct Head {
    std::shared_ptr<const sim::HeadOperands> operands;
    algo::FixedHead expected;
    sim::HeadImportance importance = {};  // from the machine
  };
  algo::QuantizationPolicy widths_;
  std::mutex mutex_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, Head> heads_;
};

void Machine::expect_survivors(const trace::MemorySink& trace, const algo::Policy& policy, const ModelConfig& model) const {
  std::vector<std::uint8_t> flags(trace.records().front().context, 0);
  flags.front() = algo::kClsToken | algo::kSpecialToken;
  flags.back() = algo::kSepToken | algo::kSpecialToken;
  algo::CascadeState cascade(policy, {model.layers, model.heads, model.head_dim, model.max_positions, false}, flags);
  std::uint32_t layer = 0;
  std::size_t head_index = 0;
  for (const trace::Record& r : trace.records()) {
    if (r.layer != layer) {
      cascade.end_layer(layer);
      layer = r.layer;
      head_index = 0;
    }
    ASSERT_EQ(r.keys, cascade.alive_tokens().size()) << "layer " << layer;
    if (r.keys < r.context) {
      EXPECT_EQ(r.key_ids, cascade.alive_tokens()) << "layer " << layer;
    }
    ASSERT_LT(head_index, cascade.alive_heads().size()) << "layer " << layer;
    EXPECT_EQ(r.head, cascade.alive_heads()[head_index++]) << "layer " << layer;
    const Head& head = heads_.at({r.step, r.layer, r.head});
    std::vector<float> sums;
    for (const std::uint32_t code : head.importance.tokens) sums.push_back(static_cast<float>(code) / algo::kProbabilityOne);
    algo::HeadObservation seen{.layer = r.layer, .head = r.head, .rows = r.rows, .keys = cascade.alive_tokens(), .column_sums = sums};
    seen.out_magnitude = static_cast<float>(head.importance.magnitude) * head.expected.value_scale();
    cascade.observe(seen);
  }
}

algo::Policy policy_of(const std::vector<std::string>& overrides) {
  return algo::load_policy(SPATTEN_SOURCE_DIR "/configs/pruning/none.json", SPATTEN_SOURCE_DIR "/configs/pruning", overrides);
}

sim::Result run_on_chip(const trace::MemorySink& trace, Machine& machine) {
  trace::MemorySource source(trace);
  sim::SimulationOptions options;
  options.threads = 2;
  options.operands = &machine;
  const sim::ChipSpec chip = sim::load_chip(SPATTEN_SOURCE_DIR "/configs/hw/spatten.json");
  return sim::simulate(source, chip, [] { return sim::make_memory("ideal:20"); }, options);
}

std::uint64_t rows_of(const trace::MemorySink& trace) {
  std::uint64_t rows = 0;
  for (const trace::Record& r : trace.records()) rows += r.rows;
  return rows;
}

TEST(ChipMachine, ComputesWhatTheEncoderComputed) {
  ThreadPool threads(2);
  const Model model = load_model(SPATTEN_SOURCE_DIR "/models/sst2-small", threads);
  const algo::Policy policy = policy_of({"token.keep=0.6", "head.keep=0.8", "value.keep=0.5", "quantization.msb_bits=8",
                                         "quantization.lsb_bits=4", "quantization.threshold=0.3"});
  Machine machine(policy.quantization);
  trace::MemorySink trace;
  RunOptions options;
  options.threads = &threads;
  options.policy = &policy;
  options.arithmetic = Arithmetic::kChip;
  options.tap = &machine;
  options.sink = &trace;
  classify(model, std::vector<TextInput>{{"not without charm , though the pace could be better .", {}}}, options);
  const sim::Result result = run_on_chip(trace, machine);
  EXPECT_EQ(machine.outputs, rows_of(trace));
  EXPECT_GT(machine.lsb_rows, 0u);
  EXPECT_EQ(machine.lsb_rows, result.lsb_rows);
  EXPECT_LT(trace.records().back().keys, trace.records().back().context);
  machine.expect_survivors(trace, policy, model.config);
}

TEST(ChipMachine, ComputesWhatTheDecoderComputed) {
  ThreadPool threads(2);
  const Model model = load_model(SPATTEN_SOURCE_DIR "/models/stories-small", threads);
  const algo::Policy policy = policy_of({"token.keep=0.7", "value.keep=0.5"});
  Machine machine(policy.quantization);
  trace::MemorySink trace;
  RunOptions options;
  options.threads = &threads;
  options.policy = &policy;
  options.arithmetic = Arithmetic::kChip;
  options.tap = &machine;
  options.sink = &trace;
  GenerateOptions generation;
  generation.max_tokens = 6;
  generate(model, {"Once upon a time there was a small boat that"}, generation, options);
  run_on_chip(trace, machine);
  EXPECT_EQ(machine.outputs, rows_of(trace));
}

}  // namespace
}  // namespace spatten

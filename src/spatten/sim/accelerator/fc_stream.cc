// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/fc_stream.h"

#include <algorithm>

#include "spatten/base/error.h"
#include "spatten/sim/accelerator/accelerator.h"

namespace spatten::sim {
namespace {

/// One row: the weights of a layer, one behind the other.
class WeightRow final : public RowSource {
 public:
  WeightRow(std::uint64_t bytes, std::uint32_t access_bytes) {
    row_.weights_only = true;
    row_.group = &row_;
    row_.key = {0, static_cast<std::uint32_t>((bytes + access_bytes - 1) / access_bytes), access_bytes, 1, nullptr};
  }
  Row* next() override { return std::exchange(next_, nullptr); }
  void release(Row*) override {}
  const std::vector<LayerOfRows>& layers() const override { return layers_; }

 private:
  Row row_;
  Row* next_ = &row_;
  std::vector<LayerOfRows> layers_{{0, 0}};
};

/// The same units and counters, with nothing counted.
std::vector<UnitResult> without_time(std::vector<UnitResult> units) {
  for (UnitResult& unit : units) {
    unit.activity = {};
    for (auto& [name, count] : unit.counters) count = 0;
  }
  return units;
}

}  // namespace

FcStream::FcStream(const ChipSpec& chip, std::function<std::unique_ptr<Memory>()> make_memory)
    : chip_(chip), make_memory_(std::move(make_memory)) {}

void FcStream::count(const trace::Header& header, const trace::Record& record) {
  if (chip_.fc.weight_bits == 0 || (!first_ && record.step == step_ && record.layer == layer_)) return;
  if (first_ || record.step != step_) step_rows_ = record.rows;
  first_ = false;
  step_ = record.step;
  layer_ = record.layer;
  const std::uint64_t heads = std::max(header.heads, record.head + 1);
  const std::uint64_t hidden = header.hidden > 0 ? header.hidden : heads * record.head_dim;
  const std::uint64_t inner = header.ffn > 0 ? header.ffn : 4 * hidden;
  const std::uint64_t weights = 4 * hidden * hidden + 2 * hidden * inner;
  dense_ops_ += 2 * weights * step_rows_;
  ++layers_[{weights, record.rows}];
}

Result FcStream::stream(std::uint64_t bytes) const {
  const std::unique_ptr<Memory> memory = make_memory_();
  if (bytes > memory->capacity_bytes()) {
    throw Error(fmt::format("the weights of a layer take {} bytes of DRAM, more than the {} of the memory (memory.organization, memory.channels)", bytes,
                            memory->capacity_bytes()));
  }
  WeightRow rows(bytes, memory->access_bytes());
  Accelerator machine(chip_, *memory, rows, nullptr);
  Result result;
  result.cycles = machine.run([] { return true; });
  result.units = machine.units();
  result.bytes = machine.bytes();
  return result;
}

void FcStream::add_to(Result& total) const {
  total.fc_ops_dense_equivalent += dense_ops_;
  for (const auto& [shape, layers] : layers_) {
    const auto [weights, rows] = shape;
    const Result one = stream((weights * chip_.fc.weight_bits + 7) / 8);
    // Both arrays multiply; more than one row per weight may take longer than its way from DRAM.
    const Cycles multiply = weights * rows / (2 * std::uint64_t{chip_.array.multipliers});
    const Cycles cycles = std::max(one.cycles, multiply);
    total.cycles += cycles * layers;
    total.fc_cycles += cycles * layers;
    total.fc_ops += 2 * weights * rows * layers;
    total.bytes.weights += one.bytes.weights * layers;
    if (total.units.empty()) total.units = without_time(one.units);
    Activity array;  // the weights pass by it in the streamed run
    array.set(Why::kBusy, 0);
    array.set(Why::kMemory, multiply);
    array.set(Why::kIdle, cycles);
    for (std::size_t i = 0; i < total.units.size(); ++i) {
      UnitResult& unit = total.units[i];
      const bool multiplies = unit.name == "qk" || unit.name == "prob_v";
      Activity activity = multiplies ? array : one.units[i].activity;
      activity.set(Why::kIdle, cycles);  // while the arrays still multiply
      for (std::uint64_t k = 0; k < layers; ++k) unit.activity.add(activity);
      const std::uint64_t products = multiplies ? weights * rows / 2 : 0;
      for (std::size_t c = 0; c < unit.counters.size(); ++c) {
        unit.counters[c].second += one.units[i].counters[c].second * layers;
        if (unit.counters[c].first == "multiplies" || unit.counters[c].first == "adds") unit.counters[c].second += products * layers;
      }
    }
  }
}

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// Any bytes as config.json: reading throws Error or gives a configuration within its ranges, whose table of weights can
// be built and has shapes that follow from it.
#include <cstdint>
#include <cstring>
#include <set>

#include "spatten/model/weights_table.h"

namespace {

using namespace spatten;

void require(bool condition) {
  if (!condition) __builtin_trap();
}

bool is_id(const std::optional<std::uint32_t>& id, const ModelConfig& c) { return !id || *id < c.vocab; }

void check_ranges(const ModelConfig& c) {
  require(c.layers >= 1 && c.layers <= 1024);
  require(c.heads >= 1 && c.heads * c.head_dim == c.hidden);
  require(c.head_dim % 16 == 0 && c.head_dim >= 16 && c.head_dim <= 256);
  require(c.ffn >= 1 && c.vocab >= 1 && c.max_positions >= 1);
  require((c.type_vocab >= 1) == (c.family == Family::kBert));
  require(c.layer_norm_eps > 0 && c.layer_norm_eps <= 1);
  require(!c.labels.empty());
  require(is_id(c.bos_id, c) && is_id(c.eos_id, c) && is_id(c.pad_id, c));
  require(!c.task || (c.family == Family::kGpt2) == (*c.task == Task::kCausalLm));
}

void check_table(ModelConfig c) {
  if (c.layers > 4) return;  // the table grows with the layers; a few show all there is
  if (!c.task) c.task = task_of_tensors(c.family, {});
  const WeightsTable table(c);
  std::set<std::string> names;
  std::uint64_t elements = 0;
  for (const WeightSpec& spec : table.specs()) {
    require(names.insert(spec.name).second);
    for (const std::string& alias : spec.aliases) require(names.insert(alias).second);
    std::uint64_t product = spec.presence == Presence::kRequired ? 1 : 0;
    for (const std::uint64_t d : spec.shape) {
      require(d >= 1);
      product *= d;
    }
    elements += product;
  }
  require(elements == table.required_elements());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const JsonFile file = JsonFile::parse(std::string(reinterpret_cast<const char*>(data), size), "input");
    const ModelConfig config = read_model_config(file);
    check_ranges(config);
    check_table(config);
  } catch (const Error& e) {
    require(std::strchr(e.what(), '\n') == nullptr);
  }
  return 0;
}

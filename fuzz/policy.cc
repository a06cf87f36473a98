// SPDX-License-Identifier: Apache-2.0
// A policy file of any bytes either reads and resolves for models of every shape, or throws Error; nothing else.
#include "spatten/algo/policy.h"

#include <cstdint>

#include "spatten/algo/cascade.h"
#include "spatten/algo/schedule.h"
#include "spatten/base/json_tree.h"

namespace {

using namespace spatten;

constexpr algo::ModelShape kShapes[] = {{1, 1, 16, 8, false},
                                        {2, 3, 32, 64, true},
                                        {6, 8, 64, 512, false},
                                        {6, 8, 64, 512, true},
                                        {24, 16, 64, 1024, true}};

void check_schedule(const algo::Policy& policy, const algo::ModelShape& shape, std::size_t length) {
  const algo::Schedule schedule = algo::resolve(policy, shape, length);
  for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
    const std::size_t tokens_before = layer == 0 ? length : schedule.tokens[layer - 1];
    const std::size_t heads_before = layer == 0 ? shape.heads : schedule.heads[layer - 1];
    SPATTEN_CHECK(schedule.tokens[layer] <= tokens_before && schedule.heads[layer] <= heads_before);
    SPATTEN_CHECK(schedule.heads[layer] >= 1 && (length == 0 || schedule.tokens[layer] >= 1));
    SPATTEN_CHECK(schedule.values[layer] <= schedule.tokens[layer]);
  }
}

/// One pass and two iterations with no evidence: only budgets and protection decide.
void run_cascade(const algo::Policy& policy, const algo::ModelShape& shape) {
  const std::vector<std::uint8_t> flags(9, 0);
  algo::CascadeState state(policy, shape, flags);
  const int passes = shape.causal ? 3 : 1;
  for (int pass = 0; pass < passes; ++pass) {
    if (pass > 0) {
      state.append_token();
      state.begin_iteration();
    }
    for (std::uint32_t layer = 0; layer < shape.layers; ++layer) {
      SPATTEN_CHECK(!state.alive_tokens().empty() && !state.alive_heads().empty());
      state.end_layer(layer);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  algo::Policy policy;
  try {
    const JsonFile file = JsonFile::parse(std::string(reinterpret_cast<const char*>(data), size), "policy");
    policy = algo::read_policy(file.root());
  } catch (const Error&) {
    return 0;
  }
  const JsonFile again = JsonFile::parse(dump_json(algo::resolved(policy)), "resolved");
  SPATTEN_CHECK(algo::resolved(algo::read_policy(again.root())) == algo::resolved(policy));
  for (const algo::ModelShape& shape : kShapes) {
    try {
      for (const std::size_t length : {0u, 1u, 9u, 1000u}) check_schedule(policy, shape, length);
      run_cascade(policy, shape);
    } catch (const Error&) {  // per-layer lists that do not fit this model
    }
  }
  return 0;
}

// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/paper_benchmarks.h"

#include <map>

#include "spatten/algo/policy_file.h"
#include "spatten/base/fields.h"
#include "spatten/model/config.h"

namespace spatten {
namespace {

/// A preset of configs/pruning and what is changed in it.
struct NamedPolicy {
  std::string preset;
  std::vector<std::string> set;
};

NamedPolicy read_named_policy(const JsonNode& node) {
  node.expect_keys({"preset", "set", "source"});
  NamedPolicy policy{node.at("preset").string(), {}};
  for (const JsonNode& change : node.at("set").items()) policy.set.push_back(change.string());
  return policy;
}

algo::ModelShape shape_of(const std::string& file) {
  const ModelConfig config = load_model_config(file);
  return {config.layers, config.heads, config.head_dim, config.max_positions, config.family == Family::kGpt2};
}

}  // namespace

std::vector<PaperBenchmark> load_paper_benchmarks(const std::string& config_dir,
                                                  const std::vector<std::string>& overrides) {
  const JsonFile file = JsonFile::load(config_dir + "/paper/benchmarks.json");
  file.root().expect_keys({"description", "source", "policies", "tasks"});
  std::map<std::string, algo::Policy> policies;
  for (const JsonNode& node : file.root().at("policies").items()) {
    NamedPolicy named = read_named_policy(node);
    named.set.insert(named.set.end(), overrides.begin(), overrides.end());
    policies[node.key()] = algo::load_policy(named.preset, config_dir + "/pruning", named.set);
  }
  std::map<std::string, algo::ModelShape> shapes;
  std::vector<PaperBenchmark> out;
  for (const JsonNode& node : file.root().at("tasks").items()) {
    PaperBenchmark& b = out.emplace_back();
    read_fields(node, b);
    const auto policy = policies.find(b.policy);
    if (policy == policies.end()) node.at("policy").fail_expected("one of this file's policies");
    if (!shapes.contains(b.model)) shapes[b.model] = shape_of(config_dir + "/model/" + b.model + ".json");
    b.workload.model = b.name;
    b.workload.shape = shapes[b.model];
    b.workload.policy = policy->second;
    b.workload.prompt_length = b.length;
    b.workload.generated_tokens = b.generate;
    b.workload.prompt_pass = !b.decoder();
  }
  return out;
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/algo/policy_file.h"

#include <algorithm>
#include <filesystem>

#include "spatten/base/fields.h"
#include "spatten/base/file.h"
#include "spatten/base/nearest.h"

namespace spatten::algo {
namespace {

bool looks_like_path(const std::string& word) { return word.find('/') != std::string::npos || word.ends_with(".json"); }

std::string find_policy(const std::string& word, const std::string& config_dir) {
  if (looks_like_path(word)) return word;
  const std::string path = join_path(config_dir, word + ".json");
  if (is_file(path)) return path;
  if (is_file(word)) return word;
  const std::vector<std::string> presets = policy_presets(config_dir);
  if (presets.empty()) throw UsageError(config_dir, "", "expected a folder of pruning presets, found none");
  std::string known;
  for (const std::string& name : presets) known += (known.empty() ? "" : ", ") + name;
  const std::string hint = did_you_mean(word, presets);
  throw UsageError("--policy", printable(word), fmt::format("expected a file or one of {}{}", known, hint));
}

}  // namespace

std::vector<std::string> policy_presets(const std::string& config_dir) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(config_dir, ignored)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Policy load_policy(const std::string& name_or_file, const std::string& config_dir,
                   const std::vector<std::string>& overrides) {
  const JsonFile file = JsonFile::load(find_policy(name_or_file, config_dir), {.bytes = 1 << 20});
  return read_overridden(file, overrides, read_policy);
}

}  // namespace spatten::algo

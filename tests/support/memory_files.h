// SPDX-License-Identifier: Apache-2.0
// The memories of configs/memory, for tests.
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace spatten::sim {

inline std::string memory_file(const std::string& name) {
  return std::string(SPATTEN_SOURCE_DIR) + "/configs/memory/" + name + ".json";
}

/// Names of all files there, sorted.
inline std::vector<std::string> memory_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(SPATTEN_SOURCE_DIR) + "/configs/memory")) {
    names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace spatten::sim

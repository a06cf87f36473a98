// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/locations.h"

#include <algorithm>
#include <filesystem>

#include "spatten/base/error.h"
#include "spatten/base/file.h"
#include "spatten/base/nearest.h"

namespace spatten::app {
namespace {

namespace fs = std::filesystem;

std::string joined(const std::vector<std::string>& places) {
  std::string out;
  for (const std::string& p : places) out += (out.empty() ? "" : ", ") + p;
  return out;
}

/// Names without ".json" of a data folder, over all roots, sorted.
std::vector<std::string> names_in(const std::string& folder, const std::vector<std::string>& roots) {
  std::vector<std::string> names;
  for (const std::string& root : roots) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(join_path(root, folder), ignored)) {
      if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace

std::vector<std::string> find_data_roots() {
  std::error_code ignored;
  std::vector<fs::path> candidates;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  if (!program.empty()) candidates.push_back((program.parent_path() / "../share/spatten").lexically_normal());
  candidates.emplace_back(SPATTEN_DATA_DIR);
  candidates.emplace_back(".");
  std::vector<std::string> roots;
  for (const fs::path& c : candidates) {
    if (is_directory(c.string())) roots.push_back(c.string());
  }
  return roots;
}

std::string find_data_folder(const std::string& name, const std::vector<std::string>& roots) {
  std::vector<std::string> looked;
  for (const std::string& root : roots) {
    looked.push_back(join_path(root, name));
    if (is_directory(looked.back())) return looked.back();
  }
  throw Error(name, "", "expected this folder of the program's data, found none; looked in " + joined(looked));
}

std::string find_model(const std::string& given, const std::vector<std::string>& roots) {
  if (given.empty()) {
    throw UsageError("expected --model DIR, found none (models/sst2-small and models/stories-small come with the program)");
  }
  if (is_directory(given)) return given;
  if (fs::exists(fs::symlink_status(given))) {
    throw Error(given, "", "expected a folder with config.json and model.safetensors, found something else");
  }
  std::vector<std::string> looked{given};
  if (given.front() != '/' && !given.starts_with("./") && !given.starts_with("../")) {
    for (const std::string& root : roots) {
      for (const std::string& place : {join_path(root, given), join_path(join_path(root, "models"), given)}) {
        if (is_directory(place)) return place;
        looked.push_back(place);
      }
    }
  }
  throw Error(given, "", "expected a folder with config.json and model.safetensors, found none; looked in " + joined(looked));
}

std::string find_data_file(const std::string& option, const std::string& given, const std::string& folder, const std::vector<std::string>& roots) {
  const bool path = given.find('/') != std::string::npos || given.ends_with(".json");
  if (path && is_file(given)) return given;
  for (const std::string& root : roots) {
    const std::string place = join_path(root, given), named = join_path(join_path(root, folder), given);
    if (path && given.front() != '/' && is_file(place)) return place;
    for (const std::string& file : {named, named + ".json"}) {
      if (given.front() != '/' && is_file(file)) return file;
    }
  }
  if (is_file(given)) return given;
  const std::vector<std::string> known = names_in(folder, roots);
  throw UsageError(option, "", fmt::format("expected a file or one of {} ({}), found \"{}\"{}", folder, joined(known), printable(given),
                                           did_you_mean(given, known)));
}

}  // namespace spatten::app

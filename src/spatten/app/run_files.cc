// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/run_files.h"

#include <fmt/format.h>

#include <filesystem>

#include "spatten/base/error.h"
#include "spatten/base/file.h"

namespace spatten::app {
namespace {

bool same_output(const std::string& a, const std::string& b) {
  if (a.empty() || b.empty()) return false;
  return a == "-" || b == "-" ? a == b : same_file(a, b);
}

bool replaces(const std::string& output, const std::string& input) {
  return input != "-" && output != "-" && same_output(output, input);
}

[[noreturn]] void fail(const NamedFile& output, const NamedFile& other) {
  throw UsageError(
      output.name, "",
      fmt::format("expected another file than {}, found \"{}\" twice", other.name, printable(output.path)));
}

}  // namespace

void require_distinct(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs) {
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (same_output(outputs[i].path, outputs[j].path)) fail(outputs[i], outputs[j]);
    }
    for (const NamedFile& input : inputs) {
      if (replaces(outputs[i].path, input.path)) fail(outputs[i], input);
    }
  }
}

std::vector<NamedFile> output_files(const CommonOptions& options) {
  return {{"--output", options.output}, {"--html", options.html}, {"--trace", options.trace}};
}

std::vector<NamedFile> input_files(const std::string& name, const std::vector<std::string>& paths) {
  std::vector<NamedFile> out;
  for (const std::string& path : paths) out.push_back({name, path});
  return out;
}

std::vector<NamedFile> model_files(const std::string& folder) {
  std::vector<NamedFile> out;
  for (const char* name : {"config.json", "model.safetensors.index.json", "vocab.txt", "vocab.json", "merges.txt",
                           "tokenizer.json", "tokenizer_config.json", "added_tokens.json"}) {
    out.push_back({"a file of the model", join_path(folder, name)});
  }
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() == ".safetensors") out.push_back({"a file of the model", entry.path().string()});
  }
  return out;
}

}  // namespace spatten::app

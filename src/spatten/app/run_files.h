// SPDX-License-Identifier: Apache-2.0
// Which files a run reads and writes: none is written twice, and none that is read is replaced.
#pragma once

#include <string>
#include <vector>

#include "spatten/app/options.h"

namespace spatten::app {

/// A file and what names it to the user: an option, "the trace".
struct NamedFile {
  std::string name, path;
};

/// Throws UsageError when an output is the same file as another one or as an input, however it is spelled. An empty
/// path is no file, "-" is a file of its own as an output and none as an input, and a device may be named by all.
void require_distinct(const std::vector<NamedFile>& outputs, const std::vector<NamedFile>& inputs);

/// --output, --html and --trace.
std::vector<NamedFile> output_files(const CommonOptions& options);

/// `paths` under one name.
std::vector<NamedFile> input_files(const std::string& name, const std::vector<std::string>& paths);

/// What a model folder holds for us: config, weights, tokenizer.
std::vector<NamedFile> model_files(const std::string& folder);

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// Options that verbs share, and what they set.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "spatten/app/option_kinds.h"
#include "spatten/kernels/precision.h"
#include "spatten/layers/context.h"

namespace spatten::app {

struct CommonOptions {
  std::string model;
  std::string policy = "none";
  std::vector<std::string> overrides;  // KEY=VALUE, in order
  std::size_t threads = 0;             // 0: the cores that the process may use
  kernels::Precision precision = kernels::Precision::kFp32;
  Arithmetic arithmetic = Arithmetic::kFloat;
  std::uint64_t seed = 1;
  std::string output;                  // empty: standard output
  std::string html, trace;
  bool json = false, show_pruning = false, truncate = false, quiet = false, verbose = false;
};

/// Where texts come from besides the arguments.
struct InputOptions {
  std::vector<std::string> files;
  bool json_lines = false;
  std::size_t batch = 64;  // items that run together at most
};

/// --model, --policy, --set, --precision, --arithmetic
void add_model_options(CLI::App& app, CommonOptions& options);
/// --threads, --seed, --quiet, -v
void add_run_options(CLI::App& app, CommonOptions& options);
/// --json, --output
void add_output_options(CLI::App& app, CommonOptions& options);
/// --show-pruning, --html, --trace
void add_view_options(CLI::App& app, CommonOptions& options);
/// --file, --input-format, --batch, --truncate
void add_input_options(CLI::App& app, InputOptions& input, CommonOptions& options);

/// The words of --precision, in the order of the enum.
std::vector<std::string> precision_words();

/// Rules between options, after parsing. `inputs` are files that the verb reads. Throws UsageError.
void check(const CommonOptions& options, const std::vector<std::string>& inputs);

}  // namespace spatten::app

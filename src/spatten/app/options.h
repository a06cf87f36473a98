// SPDX-License-Identifier: Apache-2.0
// Options that verbs share, and checked values: a number out of its range is a UsageError that names the option, the
// range and what was found.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "spatten/layers/context.h"

namespace spatten::app {

struct CommonOptions {
  std::string model;
  std::string policy = "none";
  std::vector<std::string> overrides;  // KEY=VALUE, in order
  std::size_t threads = 0;             // 0: the cores that the process may use
  std::string precision = "fp32";
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

/// Rules between options, after parsing. Throws UsageError.
void check(const CommonOptions& options);

CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& target, const std::string& type,
                      const std::string& help);
/// Can be given many times, one value each.
CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<std::string>& target, const std::string& type,
                      const std::string& help);
/// One of a few words; `choose` gets the index.
CLI::Option* add_choice(CLI::App& app, const std::string& name, const std::vector<std::string>& words,
                        const std::function<void(std::size_t)>& choose, const std::string& help);

/// `text` as a whole decimal number in min .. max; throws UsageError naming `option`.
std::uint64_t parse_integer(const std::string& option, const std::string& text, std::uint64_t min, std::uint64_t max);
double parse_number(const std::string& option, const std::string& text, double min, double max);

template <class T>
CLI::Option* add_integer(CLI::App& app, const std::string& name, T& target, std::uint64_t min, std::uint64_t max,
                         const std::string& help) {
  return app.add_option_function<std::string>(
                name, [=, &target](const std::string& v) { target = static_cast<T>(parse_integer(name, v, min, max)); }, help)
      ->type_name("N");
}

CLI::Option* add_number(CLI::App& app, const std::string& name, double& target, double min, double max,
                        const std::string& help);

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/options.h"

#include <fmt/format.h>

#include <limits>

#include "spatten/app/option_kinds.h"
#include "spatten/app/run_files.h"
#include "spatten/base/error.h"
#include "spatten/base/fields.h"

namespace spatten::app {
namespace {

constexpr std::uint64_t kMaxThreads = 1024, kMaxBatch = 4096;
constexpr std::uint64_t kMaxSeed = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

}  // namespace

void add_model_options(CLI::App& app, CommonOptions& options) {
  const std::string group = "Model and pruning";
  add_text(app, "--model", options.model, "DIR", "folder of a Hugging Face model, or the name of a bundled one", group);
  add_text(app, "--policy", options.policy, "NAME|FILE", "what to prune: a preset of configs/pruning or a JSON file (default: none)", group);
  add_list(app, "--set", options.overrides, "KEY=VALUE", "change a key of the policy, e.g. token.keep=0.5; may be repeated", group);
  add_choice(app, "--precision", precision_words(), [&options](std::size_t i) { options.precision = static_cast<kernels::Precision>(i); },
             "what weights are stored and multiplied in (default: fp32); less memory, more speed, nearly the same results", group);
  add_choice(app, "--arithmetic", {"float", "chip"},
             [&options](std::size_t i) { options.arithmetic = i == 0 ? Arithmetic::kFloat : Arithmetic::kChip; },
             "attention in fp32, or on the chip's 12-bit datapath, bit for bit (slower; default: float)", group);
}

void add_run_options(CLI::App& app, CommonOptions& options) {
  const std::string group = "Run";
  add_integer(app, "--threads", options.threads, {1, kMaxThreads}, "threads (default: the cores that the process may use)", group);
  add_integer(app, "--seed", options.seed, {0, kMaxSeed}, "seed of everything that is random (default: 1)", group);
  add_flag(app, "-q,--quiet", options.quiet, "no progress, notes or warnings", group);
  add_flag(app, "-v,--verbose", options.verbose, "say on standard error what is done", group);
}

void add_output_options(CLI::App& app, CommonOptions& options) {
  const std::string group = "Output";
  add_flag(app, "--json", options.json, "one JSON object per result (fields: docs/interface.md)", group);
  add_text(app, "-o,--output", options.output, "FILE", "write there when all is done, in place of standard output", group);
}

void add_view_options(CLI::App& app, CommonOptions& options) {
  const std::string group = "Look at the pruning";
  add_flag(app, "--show-pruning", options.show_pruning, "the text layer by layer, with what was dropped", group);
  add_text(app, "--html", options.html, "FILE", "the same as a page for a browser, with scores", group);
  add_text(app, "--trace", options.trace, "FILE", "record the run for a simulator (see spatten trace)", group);
}

void add_input_options(CLI::App& app, InputOptions& input, CommonOptions& options) {
  const std::string group = "Input";
  add_list(app, "--file", input.files, "FILE", "read items from a file, one a line; may be repeated", group);
  add_choice(app, "--input-format", {"text", "jsonl"}, [&input](std::size_t i) { input.json_lines = i == 1; },
             "text: one item a line; jsonl: one JSON object a line", group);
  add_integer(app, "--batch", input.batch, {1, kMaxBatch}, "items that run together at most; changes no result", group);
  add_flag(app, "--truncate", options.truncate, "cut a text at the model's limit; without it that is an error", group);
}

std::vector<std::string> precision_words() {
  std::vector<std::string> out;
  for (const auto& [value, word] : enum_names(kernels::Precision{})) out.push_back(word);
  return out;
}

void check(const CommonOptions& options, const std::vector<std::string>& inputs) {
  if (options.arithmetic == Arithmetic::kChip && options.precision != kernels::Precision::kFp32) {
    throw UsageError("--precision", "", fmt::format("expected fp32 beside --arithmetic chip, whose attention is defined on fp32 projections, found {}",
                                                    enum_name(options.precision)));
  }
  if (options.quiet && options.verbose) throw UsageError("--quiet", "", "expected only one of --quiet and --verbose, found both");
  require_distinct(output_files(options), input_files("an input", inputs));
}

}  // namespace spatten::app

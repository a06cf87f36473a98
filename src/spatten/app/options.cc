// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/options.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "spatten/base/error.h"
#include "spatten/base/nearest.h"

namespace spatten::app {
namespace {

constexpr std::uint64_t kMaxThreads = 1024, kMaxBatch = 4096;
constexpr std::uint64_t kMaxSeed = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

[[noreturn]] void refuse(const std::string& option, const std::string& wanted, const std::string& found) {
  throw UsageError(option, "", fmt::format("expected {}, found \"{}\"", wanted, printable(found, 60)));
}

/// Options that the interface knows and this build serves with one value only.
void add_single_choice(CLI::App& app, const std::string& name, std::vector<std::string> words, const std::string& help) {
  add_choice(
      app, name, words,
      [name, words](std::size_t chosen) {
        if (chosen != 0) {
          throw UsageError(name, "", fmt::format("expected {}, found {}: this build runs {} only", words[0], words[chosen], words[0]));
        }
      },
      help);
}

}  // namespace

std::uint64_t parse_integer(const std::string& option, const std::string& text, std::uint64_t min, std::uint64_t max) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < min || value > max) {
    refuse(option, fmt::format("an integer from {} to {}", min, max), text);
  }
  return value;
}

double parse_number(const std::string& option, const std::string& text, double min, double max) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || !(value >= min && value <= max)) {
    refuse(option, fmt::format("a number from {} to {}", min, max), text);
  }
  return value;
}

CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& target, const std::string& type,
                      const std::string& help) {
  return app.add_option(name, target, help)->type_name(type);
}

CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<std::string>& target, const std::string& type,
                      const std::string& help) {
  // Without allow_extra_args(false) one --set would swallow the texts after it.
  return app.add_option(name, target, help)->type_name(type)->allow_extra_args(false);
}

CLI::Option* add_choice(CLI::App& app, const std::string& name, const std::vector<std::string>& words,
                        const std::function<void(std::size_t)>& choose, const std::string& help) {
  std::string type, list;
  for (const std::string& w : words) {
    type += (type.empty() ? "" : "|") + w;
    list += (list.empty() ? "" : ", ") + w;
  }
  return app
      .add_option_function<std::string>(
          name,
          [=](const std::string& v) {
            const auto it = std::find(words.begin(), words.end(), v);
            if (it == words.end()) {
              throw UsageError(name, "", fmt::format("expected one of {}, found \"{}\"{}", list, printable(v, 60), did_you_mean(v, words)));
            }
            choose(static_cast<std::size_t>(it - words.begin()));
          },
          help)
      ->type_name(type);
}

CLI::Option* add_number(CLI::App& app, const std::string& name, double& target, double min, double max,
                        const std::string& help) {
  return app
      .add_option_function<std::string>(
          name, [=, &target](const std::string& v) { target = parse_number(name, v, min, max); }, help)
      ->type_name("X");
}

void add_model_options(CLI::App& app, CommonOptions& options) {
  const std::string group = "Model and pruning";
  add_text(app, "--model", options.model, "DIR", "folder of a Hugging Face model, or the name of a bundled one")->group(group);
  add_text(app, "--policy", options.policy, "NAME|FILE", "what to prune: a preset of configs/pruning or a JSON file (default: none)")
      ->group(group);
  add_list(app, "--set", options.overrides, "KEY=VALUE", "change a key of the policy, e.g. token.keep=0.5; may be repeated")->group(group);
  add_single_choice(app, "--precision", {"fp32", "bf16", "int8"}, "precision of the weights; this build: fp32");
  add_choice(app, "--arithmetic", {"float", "chip"},
             [&options](std::size_t i) { options.arithmetic = i == 0 ? Arithmetic::kFloat : Arithmetic::kChip; },
             "attention in fp32, or on the chip's 12-bit datapath, bit for bit (slower; default: float)");
  for (const char* name : {"--precision", "--arithmetic"}) app.get_option(name)->group(group);
}

void add_run_options(CLI::App& app, CommonOptions& options) {
  const std::string group = "Run";
  add_integer(app, "--threads", options.threads, 1, kMaxThreads, "threads (default: the cores that the process may use)")->group(group);
  add_integer(app, "--seed", options.seed, 0, kMaxSeed, "seed of everything that is random (default: 1)")->group(group);
  app.add_flag("-q,--quiet", options.quiet, "no progress, notes or warnings")->group(group);
  app.add_flag("-v,--verbose", options.verbose, "say on standard error what is done")->group(group);
}

void add_output_options(CLI::App& app, CommonOptions& options) {
  const std::string group = "Output";
  app.add_flag("--json", options.json, "one JSON object per result (fields: docs/interface.md)")->group(group);
  add_text(app, "-o,--output", options.output, "FILE", "write there when all is done, in place of standard output")->group(group);
}

void add_view_options(CLI::App& app, CommonOptions& options) {
  const std::string group = "Look at the pruning";
  app.add_flag("--show-pruning", options.show_pruning, "the text layer by layer, with what was dropped")->group(group);
  add_text(app, "--html", options.html, "FILE", "the same as a page for a browser, with scores")->group(group);
  add_text(app, "--trace", options.trace, "FILE", "record the run for a simulator (see spatten trace)")->group(group);
}

void add_input_options(CLI::App& app, InputOptions& input, CommonOptions& options) {
  const std::string group = "Input";
  add_list(app, "--file", input.files, "FILE", "read items from a file, one a line; may be repeated")->group(group);
  add_choice(app, "--input-format", {"text", "jsonl"}, [&input](std::size_t i) { input.json_lines = i == 1; },
             "text: one item a line; jsonl: one JSON object a line")
      ->group(group);
  add_integer(app, "--batch", input.batch, 1, kMaxBatch, "items that run together at most; changes no result")->group(group);
  app.add_flag("--truncate", options.truncate, "cut a text at the model's limit; without it that is an error")->group(group);
}

void check(const CommonOptions& options) {
  if (options.quiet && options.verbose) throw UsageError("--quiet", "", "expected only one of --quiet and --verbose, found both");
  for (const auto& [name, file] : {std::pair{"--html", options.html}, {"--trace", options.trace}}) {
    if (!file.empty() && file == options.output) {
      throw UsageError(name, "", fmt::format("expected another file than --output, found \"{}\" twice", printable(file)));
    }
  }
}

}  // namespace spatten::app

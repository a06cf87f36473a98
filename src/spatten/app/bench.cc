// SPDX-License-Identifier: Apache-2.0
// `spatten bench`: how fast this machine runs models, as fractions of what it can do; with --load, how fast a model folder
// loads and what memory that takes.
#include <algorithm>
#include <chrono>

#include "spatten/algo/policy_file.h"
#include "spatten/app/errors.h"
#include "spatten/app/locations.h"
#include "spatten/app/option_kinds.h"
#include "spatten/app/output.h"
#include "spatten/app/progress.h"
#include "spatten/app/pruning_story.h"
#include "spatten/app/session.h"
#include "spatten/app/verb.h"
#include "spatten/base/fields.h"
#include "spatten/base/memory_budget.h"
#include "spatten/study/load.h"
#include "spatten/study/random_checkpoint.h"
#include "spatten/study/speed_cases.h"

namespace spatten::app {
namespace {

constexpr double kQuickSeconds = 5, kMaxSeconds = 86400;
constexpr std::size_t kQuickRounds = 2, kLoads = 5;

double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Seconds as people read them: "12.3 ms".
std::string time_text(double seconds) {
  if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
  return seconds >= 1e-3 ? fmt::format("{:.2f} ms", seconds * 1e3) : fmt::format("{:.1f} us", seconds * 1e6);
}

std::string number_text(const std::optional<double>& value, int digits) {
  return value ? fmt::format("{:.{}f}", *value, digits) : "";
}

std::string percent_text(const std::optional<double>& value) { return value ? fmt::format("{:.0f} %", *value * 100) : ""; }

class Bench final : public Verb {
 public:
  VerbHelp help() const override {
    return {"how fast this machine runs models, as fractions of what it can do", "[DIR...]",
            "Measures, in turn: a large matrix product by oneDNN, a sum over memory, models in the shape of BERT-Base and "
            "GPT-2-Small with random weights, dense and pruned, the bundled models, and those in DIR. Times are medians with their "
            "quartiles. Let nothing else run meanwhile. With --load: the time to load one model folder, and the peak of memory "
            "with one forward pass.",
            "--quick --only \"bert-base 128\""};
  }

  void add_options(CLI::App& app) override {
    add_flag(app, "--quick", quick_, "a few rounds: seconds in place of minutes, with more noise");
    add_number(app, "--seconds", seconds_, {0, kMaxSeconds}, "measure for about so long (default: 60)");
    add_text(app, "--only", only_, "TEXT", "only the models whose name contains this");
    add_list(app, "--policy", policies_, "NAME|FILE", "measure this policy on every model, too; may be repeated");
    add_list(app, "--precision", precisions_, "fp32|bf16|int8",
             "measure every model at this precision, too, over fp32; may be repeated. With --load: load at it");
    add_text(app, "--load", load_, "DIR", "measure how this model folder loads, and nothing else");
    add_text(app, "--create", create_, "SHAPE", "with --load: first write DIR, with random weights in a shape of configs/model");
    add_output_options(app, options_);
    add_run_options(app, options_);
  }

  void run(const Arguments& arguments, Environment& environment) override {
    if (!create_.empty() && load_.empty()) throw UsageError("--create", "", "expected --load DIR beside it, found none");
    if (!load_.empty() && (!arguments.empty() || !only_.empty())) {
      throw UsageError("--load", "", "expected nothing else to measure beside it, found a folder or --only");
    }
    if (!load_.empty() && precisions().size() > 1) throw UsageError("--precision", "", "expected one beside --load, found several");
    precisions();  // a wrong word is a fault of the call
    Output output(options_.output);
    ThreadPool all(options_.threads > 0 ? options_.threads : ThreadPool::available_cores());
    if (load_.empty()) {
      measure_models(arguments, environment, all, output);
    } else {
      measure_loading(environment, all, output);
    }
    output.finish();
  }

 private:
  void measure_models(const Arguments& arguments, const Environment& environment, ThreadPool& all, Output& output) const {
    ThreadPool one(1);
    const std::string presets = find_data_folder("configs/pruning", environment.data_roots);
    SpeedSetup setup;
    setup.encoder = load_model_config(shape_file("bert-base", environment));
    setup.decoder = load_model_config(shape_file("gpt2-small", environment));
    setup.folders = bundled_models(environment);
    for (const std::string& folder : arguments) setup.folders.push_back(find_model(folder, environment.data_roots));
    setup.more_policies = policies_;
    for (const kernels::Precision p : precisions()) {
      if (p != kernels::Precision::kFp32) setup.more_precisions.push_back(p);
    }
    setup.policy = [&presets](const std::string& name) { return algo::load_policy(name, presets, {}); };
    setup.one = all.size() == 1 ? &all : &one;
    setup.all = &all;
    setup.only = only_;
    const std::vector<SpeedCase> cases = speed_cases(setup);

    Progress progress("bench: round", std::nullopt, !options_.quiet && environment.terminal.error_is_terminal);
    MeasureOptions how;
    how.seconds = quick_ ? kQuickSeconds : seconds_;
    how.min_rounds = quick_ ? kQuickRounds : how.min_rounds;
    how.cancelled = environment.cancelled;
    how.progress = [&progress](std::size_t round) { progress.update(round); };
    const std::vector<SpeedRow> rows = measure_speed(cases, now, how);
    if (options_.json) {
      for (const SpeedRow& row : rows) output.write_json(write_field(row));
    } else {
      output.write(table(rows));
    }
  }

  void measure_loading(const Environment& environment, ThreadPool& all, Output& output) const {
    if (!create_.empty()) write_random_checkpoint(load_, shape_file(create_, environment), options_.seed);
    const std::string folder = find_model(load_, environment.data_roots);
    LoadCase what{.folder = folder, .loads = kLoads};
    if (!precisions_.empty()) what.precision = precisions().front();
    const LoadReport r = measure_load(what, all, now, [] { return peak_memory_bytes(); });
    if (options_.json) return output.write_json(write_field(r));
    output.write(fmt::format("{}: {} in {} ({} .. {}) from the page cache, {:.2f} GB/s, {} thread{}; first load {}\n", r.folder,
                             bytes_text(r.file_bytes), time_text(r.median_seconds), time_text(r.low_seconds),
                             time_text(r.high_seconds), r.read_gb_s, r.threads, r.threads == 1 ? "" : "s", time_text(r.first_seconds)));
    if (!r.peak_bytes) return;
    output.write(fmt::format("peak of memory with one forward pass: {}, {} of 1.15 x the {} weights ({}) + K and V + 64 MiB = {}\n",
                             bytes_text(*r.peak_bytes), percent_text(r.memory_ratio), r.precision, bytes_text(r.weight_bytes),
                             bytes_text(r.allowed_bytes)));
  }

  /// Those of --precision, each once.
  std::vector<kernels::Precision> precisions() const {
    std::vector<kernels::Precision> out;
    for (const std::string& word : precisions_) {
      const auto p = static_cast<kernels::Precision>(parse_choice("--precision", word, precision_words()));
      if (std::find(out.begin(), out.end(), p) == out.end()) out.push_back(p);
    }
    return out;
  }

  static std::string shape_file(const std::string& shape, const Environment& environment) {
    const std::string folder = find_data_folder("configs/model", environment.data_roots);
    const std::string path = join_path(folder, shape + ".json");
    if (!is_file(path)) throw UsageError("--create", "", fmt::format("expected a shape of {}, found \"{}\"", folder, printable(shape, 60)));
    return path;
  }

  /// Those that are there: a checkout or an installation may lack them.
  static std::vector<std::string> bundled_models(const Environment& environment) {
    std::vector<std::string> out;
    for (const char* name : {"models/sst2-small", "models/stories-small"}) {
      for (const std::string& root : environment.data_roots) {
        if (!is_file(join_path(join_path(root, name), "model.safetensors"))) continue;
        out.push_back(join_path(root, name));
        break;
      }
    }
    return out;
  }

  static std::string table(const std::vector<SpeedRow>& rows) {
    std::string out = fmt::format("{:<26} {:<18} {:<9} {:>7}  {:<8} {:>9} {:>9} {:>9}  {:>7} {:>6}  {:>6} {:>6}  {:>8}\n", "", "policy",
                                  "precision", "threads", "unit", "median", "low", "high", "GFLOP/s", "", "GB/s", "", "speed-up");
    for (const SpeedRow& r : rows) {
      out += fmt::format("{:<26} {:<18} {:<9} {:>7}  {:<8} {:>9} {:>9} {:>9}  {:>7} {:>6}  {:>6} {:>6}  {:>8}\n", r.name, r.policy, r.precision,
                         r.threads, r.unit,
                         time_text(r.median_seconds), time_text(r.low_seconds), time_text(r.high_seconds), number_text(r.gflops, 1),
                         percent_text(r.gemm_roof_ratio), number_text(r.read_gb_s, 1), percent_text(r.bandwidth_roof_ratio),
                         number_text(r.speedup, 2));
    }
    return out + fmt::format("\n% of the fastest oneDNN product in fp32, and of the sum over memory, on as many threads. {} samples each.\n"
                             "speed-up: over the dense run on as many threads; of the dense run, over one thread; of another precision, over fp32.\n",
                             rows.empty() ? 0 : rows.front().samples);
  }

  CommonOptions options_;
  bool quick_ = false;
  double seconds_ = 60;
  std::vector<std::string> policies_, precisions_;
  std::string only_, load_, create_;
};

}  // namespace

std::unique_ptr<Verb> make_bench() { return std::make_unique<Bench>(); }

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/session.h"

#include <chrono>

#include "spatten/algo/policy_file.h"
#include "spatten/app/errors.h"
#include "spatten/app/locations.h"
#include "spatten/app/pruning_story.h"
#include "spatten/app/run_files.h"
#include "spatten/base/fields.h"
#include "spatten/trace/file_sink.h"

namespace spatten::app {
namespace {

std::size_t thread_count(const CommonOptions& options) {
  return options.threads > 0 ? options.threads : ThreadPool::available_cores();
}

Model load(const CommonOptions& options, const Environment& environment, ThreadPool& threads) {
  const auto start = std::chrono::steady_clock::now();
  const std::string folder = find_model(options.model, environment.data_roots);
  Model model = load_model(folder, threads, {.precision = options.precision});
  if (options.verbose) {
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    const std::size_t bytes = model.bert ? model.bert->weight_bytes() : model.gpt2->weight_bytes();
    print_note(fmt::format("{}: {}, {} layers of {} heads, {} of weights in {}, loaded in {:.2f} s, {} threads", folder,
                           enum_name(model.config.family), model.config.layers, model.config.heads, bytes_text(bytes),
                           enum_name(options.precision), seconds.count(), threads.size()));
  }
  return model;
}

}  // namespace

std::optional<algo::Policy> chosen_policy(const CommonOptions& options, const Environment& environment) {
  if (options.policy == "none" && options.overrides.empty()) return std::nullopt;
  const std::string presets = find_data_folder("configs/pruning", environment.data_roots);
  algo::Policy policy = algo::load_policy(options.policy, presets, options.overrides);
  if (!policy.enabled()) return std::nullopt;
  return policy;
}

algo::ModelShape shape_of(const ModelConfig& config) {
  return {.layers = config.layers,
          .heads = config.heads,
          .head_dim = config.head_dim,
          .max_positions = config.max_positions,
          .causal = config.family == Family::kGpt2};
}

Session::Session(const CommonOptions& options, const Environment& environment)
    : threads_(thread_count(options)),
      policy_(chosen_policy(options, environment)),
      policy_name_(options.policy),
      model_(load(options, environment, threads_)) {
  for (const std::string& o : options.overrides) policy_name_ += " " + o;
  std::vector<NamedFile> inputs = model_files(model_.folder);
  inputs.push_back({"--policy", options.policy});
  require_distinct(output_files(options), inputs);
  const bool looks = options.show_pruning || !options.html.empty();
  if (looks && !policy_) {
    throw UsageError(options.show_pruning ? "--show-pruning" : "--html", "",
                     "expected a policy that prunes (--policy tokens-half), found none");
  }
  // A policy that does not fit the model is a fault of the call, not of the first text.
  if (policy_) algo::resolve(*policy_, shape_of(model_.config), model_.config.max_positions);
  run_.threads = &threads_;
  run_.policy = policy();
  run_.arithmetic = options.arithmetic;
  run_.cancelled = environment.cancelled;
  run_.record_pruning = policy_ && (looks || options.json);
  run_.truncate = options.truncate;
  run_.seed = options.seed;
  if (!options.trace.empty()) {
    trace_.emplace(options.trace);
    recorder_ = std::make_unique<TraceRecorder>(std::make_unique<trace::FileSink>(*trace_), trace_header(model_, policy(), options.seed));
  }
}

RunOptions Session::run_options() {
  RunOptions run = run_;
  if (recorder_) recorder_->attach(run);
  return run;
}

void Session::prepare() {
  if (!recorder_) return;
  recorder_->finish();
  trace_->prepare();
}

void Session::finish() {
  if (trace_) trace_->commit();
}

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// What the common options ask for, made ready: threads, policy, model and, with --trace, the file that records the run.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "spatten/algo/policy.h"
#include "spatten/app/environment.h"
#include "spatten/app/options.h"
#include "spatten/app/trace_recorder.h"
#include "spatten/base/file.h"
#include "spatten/base/thread_pool.h"
#include "spatten/model/model.h"

namespace spatten::app {

/// The policy of --policy and --set; nothing when it prunes nothing, which is the dense run.
std::optional<algo::Policy> chosen_policy(const CommonOptions& options, const Environment& environment);

/// The model as pruning sees it.
algo::ModelShape shape_of(const ModelConfig& config);

class Session {
 public:
  /// Loads everything; throws Error or UsageError.
  Session(const CommonOptions& options, const Environment& environment);

  const Model& model() const { return model_; }
  /// Null: dense.
  const algo::Policy* policy() const { return policy_ ? &*policy_ : nullptr; }
  const std::string& policy_name() const { return policy_name_; }
  ThreadPool& threads() { return threads_; }
  bool tracing() const { return recorder_ != nullptr; }
  /// Whether runs report how they pruned (--json, --show-pruning, --html under a policy).
  bool records_pruning() const { return run_.record_pruning; }

  /// Options of the next call into the model. Ask for new ones before each call: they carry the trace's step number.
  RunOptions run_options();
  /// The first half of finish(): the trace file is complete but for its name.
  void prepare();
  /// Completes the trace file.
  void finish();

 private:
  ThreadPool threads_;
  std::optional<algo::Policy> policy_;
  std::string policy_name_;
  Model model_;
  RunOptions run_;
  std::optional<OutputFile> trace_;
  std::unique_ptr<TraceRecorder> recorder_;
};

}  // namespace spatten::app

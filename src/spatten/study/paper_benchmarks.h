// SPDX-License-Identifier: Apache-2.0
// The 30 benchmarks of the evaluation (HPCA'21 V-A, Fig. 14) as workloads: configs/paper/benchmarks.json says which
// model, length and policy each one has, and why.
#pragma once

#include <string>
#include <vector>

#include "spatten/trace/synthetic.h"

namespace spatten {

struct PaperBenchmark {
  std::string name, model, policy;  ///< as in Fig. 14; a file of configs/model; a policy of the same file
  std::uint32_t length = 0;         ///< of the sentence; of the prompt, which is not timed
  std::uint32_t generate = 0;       ///< 0: an encoder
  std::string source;               ///< where the length comes from
  trace::Workload workload;         ///< without the pass over the prompt

  bool decoder() const { return generate > 0; }

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("name", s.name, "", "as in Fig. 14");
    f("model", s.model, "", "file of configs/model");
    f("policy", s.policy, "", "one of this file's policies");
    f("length", s.length, "token", "of the sentence or the prompt");
    f("generate", s.generate, "token", "generated tokens; 0: an encoder");
    f("source", s.source, "", "where the length comes from");
  }
};

/// `config_dir` holds paper/, model/ and pruning/. `overrides` are laid over the policy of every benchmark.
/// Throws Error naming file, line and key.
std::vector<PaperBenchmark> load_paper_benchmarks(const std::string& config_dir,
                                                  const std::vector<std::string>& overrides = {});

}  // namespace spatten

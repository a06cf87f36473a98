// SPDX-License-Identifier: Apache-2.0
// What `spatten bench` measures: the roofs, BERT-Base and GPT-2-Small in shape (random weights: speed does not depend on
// their values), and models from folders.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "spatten/algo/policy.h"
#include "spatten/base/thread_pool.h"
#include "spatten/model/config.h"
#include "spatten/study/speed.h"

namespace spatten {

struct SpeedSetup {
  ModelConfig encoder, decoder;                // shapes for random weights
  std::vector<std::string> folders;            // models to load besides
  std::vector<std::string> more_policies;      // measured on every model besides its own
  std::vector<kernels::Precision> more_precisions;  // every model also dense at these, over its dense run in fp32
  std::function<algo::Policy(const std::string& name)> policy;
  ThreadPool* one = nullptr;                   // a single thread
  ThreadPool* all = nullptr;                   // may be `one` itself
  std::string only;                            // cases whose name contains this, and the roofs; empty: all
  std::size_t gemm_size = 2048;                // n of the roof's product
  std::size_t read_bytes = std::size_t{512} << 20;  // of the roof's sum: far beyond any L3
};

/// Loads what the cases need and nothing else. Throws what loading a model throws.
std::vector<SpeedCase> speed_cases(const SpeedSetup& setup);

}  // namespace spatten

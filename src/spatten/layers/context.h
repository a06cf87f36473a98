// SPDX-License-Identifier: Apache-2.0
// What a run needs besides weights and input, passed down and never global; and what it reports back.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "spatten/algo/policy.h"
#include "spatten/algo/schedule.h"
#include "spatten/base/thread_pool.h"
#include "spatten/layers/operand_tap.h"
#include "spatten/layers/work.h"
#include "spatten/trace/sink.h"

namespace spatten {

/// What attention computes with: fp32 on the CPU's vector units, or the 12-bit datapath of the chip, bit for bit
/// (algo/fixed_attention.h). Projections and feed-forward are fp32 in both: the chip is a co-processor for attention.
enum class Arithmetic { kFloat, kChip };

struct RunOptions {
  ThreadPool* threads = nullptr;                  // required
  const algo::Policy* policy = nullptr;           // null: dense
  trace::Sink* sink = nullptr;                    // null: no trace
  bool record_scores = false;                     // the trace holds the scores of tokens, where a policy accumulates them
  OperandTap* tap = nullptr;                      // null: nobody looks at Q, K and V
  Arithmetic arithmetic = Arithmetic::kFloat;     // of attention; the same in all calls for one decoder sequence
  std::uint32_t first_step = 0;                   // number of this call's first forward pass in the trace
  const std::atomic<bool>* cancelled = nullptr;   // polled between layers; when set the run throws Cancelled
  bool record_pruning = false;                    // fill PruningReport
  bool truncate = false;                          // cut text at the model's limit instead of an error
  std::uint64_t seed = 1;                         // sampling, random importance
};

/// How one sequence was pruned, for people (--show-pruning, --html) and for JSON ("pruning").
struct PruningReport {
  std::vector<std::vector<std::uint32_t>> survivors;  // per layer: original positions of the tokens that entered it
  std::vector<std::vector<std::uint32_t>> heads;      // per layer: heads that entered it
  std::vector<std::vector<float>> layer_scores;       // per layer: accumulated score of every token (last known one)
  std::vector<float> token_scores;                    // after the last layer
  std::vector<std::uint64_t> layer_ops;               // per layer: executed operations
  std::vector<std::uint64_t> layer_ops_dense;         // per layer: operations without pruning
  algo::Schedule schedule;                            // resolved keep counts
};

struct RunReport {
  Work work;
  PruningReport pruning;  // empty unless asked for and a policy is on
};

inline void throw_if_cancelled(const RunOptions& options) {
  if (options.cancelled != nullptr && options.cancelled->load(std::memory_order_relaxed)) throw Cancelled();
}

}  // namespace spatten

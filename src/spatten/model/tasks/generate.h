// SPDX-License-Identifier: Apache-2.0
// Text generation with a KV cache: greedy or sampled, stop strings, streaming; ragged batches of prompts.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "spatten/model/model.h"

namespace spatten {

struct GenerateOptions {
  std::size_t max_tokens = 64;
  double temperature = 0;        // 0: greedy
  std::size_t top_k = 0;         // 0: all
  double top_p = 1;              // nucleus
  std::vector<std::string> stop; // the text ends before the first of these
  /// Called with each piece of finished UTF-8 text of prompt `index`; empty: no streaming.
  std::function<void(std::size_t index, std::string_view piece)> on_text;
  /// Seconds since any fixed moment, for prompt_seconds and decode_seconds; empty: they stay 0.
  std::function<double()> clock;
};

enum class FinishReason { kLength, kStop, kEos };
std::string_view finish_reason_name(FinishReason reason);

struct Generation {
  std::string text;                       // without the prompt
  std::vector<std::int32_t> prompt_ids, token_ids;
  FinishReason finish_reason = FinishReason::kLength;
  double prompt_seconds = 0, decode_seconds = 0;  // of the whole batch
  std::size_t kv_bytes = 0, kv_bytes_dense = 0;   // cache at the end
  RunReport report;
};

/// One result per prompt. An empty prompt starts from the begin-of-text token. Prompt i samples with seed + i, so that a
/// result does not depend on the batch. Stops at max_positions with kLength.
std::vector<Generation> generate(const Model& model, const std::vector<std::string>& prompts,
                                 const GenerateOptions& generate_options, const RunOptions& options);

}  // namespace spatten

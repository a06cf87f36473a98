// SPDX-License-Identifier: Apache-2.0
// Sequence classification of single sentences or pairs, and cross-encoder reranking by the same head.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spatten/model/model.h"

namespace spatten {

struct TextInput {
  std::string text;
  std::optional<std::string> pair;
};

struct Classification {
  std::size_t label_id = 0;
  std::string label;
  std::vector<float> logits, scores;  // scores: softmax of the logits
  Encoding encoding;                  // the tokens that were run
  RunReport report;
};

/// One result per input, in order. The whole vector is one ragged batch.
std::vector<Classification> classify(const Model& model, const std::vector<TextInput>& inputs, const RunOptions& options);

struct RankedPassage {
  std::size_t index = 0;  // in input order
  float score = 0;        // the logit of a one-label head, else the last label's logit
  RunReport report;
};

/// All passages against one query, best first; equal scores keep input order.
std::vector<RankedPassage> rerank(const Model& model, const std::string& query, const std::vector<std::string>& passages,
                                  const RunOptions& options);

}  // namespace spatten

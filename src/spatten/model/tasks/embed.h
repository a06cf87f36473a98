// SPDX-License-Identifier: Apache-2.0
// Sentence embeddings: mean over the tokens or the [CLS] state, optionally of unit length. Under pruning the mean is over
// all tokens, the pruned ones with the state in which they left.
#pragma once

#include <string>
#include <vector>

#include "spatten/model/model.h"

namespace spatten {

enum class Pooling { kMean, kCls };

struct Embedding {
  std::vector<float> embedding;
  Encoding encoding;
  RunReport report;
};

std::vector<Embedding> embed(const Model& model, const std::vector<std::string>& texts, Pooling pooling, bool normalize,
                             const RunOptions& options);

}  // namespace spatten

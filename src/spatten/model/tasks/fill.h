// SPDX-License-Identifier: Apache-2.0
// Masked language modelling: the most probable tokens at each [MASK].
#pragma once

#include <string>
#include <vector>

#include "spatten/model/model.h"

namespace spatten {

struct Prediction {
  std::string token;
  std::int32_t token_id = 0;
  float probability = 0;
};

struct Filled {
  std::vector<std::vector<Prediction>> masks;  // per [MASK] in text order, best first
  Encoding encoding;
  RunReport report;
};

/// `top` predictions per mask. Throws Error when a text holds no mask.
std::vector<Filled> fill(const Model& model, const std::vector<std::string>& texts, std::size_t top, const RunOptions& options);

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Perplexity of a text by windows with a stride: each token is predicted once; in every window but the first, from at
// least window - stride tokens before it.
#pragma once

#include <functional>
#include <string>

#include "spatten/model/model.h"

namespace spatten {

struct PerplexityOptions {
  std::size_t window = 0;  // tokens; 0: the model's limit
  std::size_t stride = 0;  // tokens; 0: half of the window
  std::function<void(std::size_t done, std::size_t total)> progress;  // tokens
};

struct Perplexity {
  double perplexity = 0, nll_per_token = 0, perplexity_per_word = 0, bits_per_byte = 0;
  std::size_t tokens = 0, words = 0, bytes = 0;  // predicted tokens; words by white space and bytes of the predicted text
  std::size_t window = 0, stride = 0;
  std::vector<std::int32_t> last_window;  // tokens that the last window read
  RunReport report;                       // work of all windows, pruning of the last pass
};

/// With a policy that prunes generation the text is fed token by token, so that each prediction sees what decoding would
/// see; otherwise each window is one prompt pass.
Perplexity perplexity(const Model& model, const std::string& text, const PerplexityOptions& perplexity_options,
                      const RunOptions& options);

}  // namespace spatten

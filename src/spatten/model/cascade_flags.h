// SPDX-License-Identifier: Apache-2.0
// Between the tokenizer's words and the cascade's.
#pragma once

#include <vector>

#include "spatten/algo/cascade.h"
#include "spatten/model/tokenizer/encoding.h"

namespace spatten {

/// algo::TokenFlag bits of each token.
inline std::vector<std::uint8_t> cascade_flags(const Encoding& tokens) {
  std::vector<std::uint8_t> out(tokens.size(), 0);
  for (std::size_t i = 0; i < tokens.flags.size(); ++i) {
    const std::uint8_t f = tokens.flags[i];
    out[i] = static_cast<std::uint8_t>((f & kCls ? algo::kClsToken : 0) | (f & kSep ? algo::kSepToken : 0) |
                                       (f & kSpecial ? algo::kSpecialToken : 0));
  }
  return out;
}

/// True when something ranks tokens, heads or values; quantization alone does not.
inline bool needs_cascade(const algo::Policy* policy) {
  return policy != nullptr && (policy->token_pruning() || policy->head_pruning() || policy->value_pruning());
}

}  // namespace spatten

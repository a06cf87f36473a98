// SPDX-License-Identifier: Apache-2.0
// A look at what attention computes with: Q, K and V of every head that runs, and what came out. For those who compute
// the same once more, in another arithmetic or in a simulator.
#pragma once

#include <cstdint>
#include <span>

#include "spatten/base/matrix.h"

namespace spatten {

/// One head of one sequence in one layer. Views are valid during the call only.
struct HeadOperands {
  std::uint32_t step = 0, layer = 0, head = 0;      // as in the trace
  ConstMatrix q = {}, out = {};                     // queries x head_dim
  ConstMatrix k = {}, v = {};                       // stored rows x head_dim; empty where a cache holds few-bit integers
  std::span<const std::uint32_t> key_rows = {};     // stored rows that take part, in order; empty: all
  std::span<const std::uint32_t> value_keeps = {};  // V that each query keeps; empty: all
  float scale = 1;                                  // of the scores
  bool causal = false;                              // the queries belong to the last keys, and see none that come later
};

class OperandTap {
 public:
  virtual ~OperandTap() = default;
  /// Called by the threads of the pool, for different heads at once and in no order.
  virtual void see(const HeadOperands& operands) = 0;
};

}  // namespace spatten

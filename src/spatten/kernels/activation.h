// SPDX-License-Identifier: Apache-2.0
// Element-wise functions of the feed-forward layers and poolers, error below 2e-6 relative to exact arithmetic.
#pragma once

#include <cstdint>

#include "spatten/base/matrix.h"

namespace spatten::kernels {

enum class Activation : std::uint8_t {
  kNone,
  kGelu,     // x * Phi(x) by the error function (BERT)
  kGeluNew,  // its tanh approximation (GPT-2): 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))
  kRelu,
  kTanh,
};

/// y = activation(y), in place.
void activate(Activation activation, Matrix y);

}  // namespace spatten::kernels

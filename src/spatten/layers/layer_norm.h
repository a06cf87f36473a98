// SPDX-License-Identifier: Apache-2.0
// Layer normalisation with its weights, over all rows of a pass.
#pragma once

#include <vector>

#include "spatten/base/matrix.h"
#include "spatten/base/thread_pool.h"

namespace spatten {

struct LayerNorm {
  std::vector<float> gamma, beta;
  float eps = 1e-5f;

  /// y = norm(x); y may be x.
  void operator()(ConstMatrix x, Matrix y, ThreadPool& threads) const;
};

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/layer_norm.h"

#include "spatten/kernels/layer_norm.h"
#include "spatten/layers/pass.h"

namespace spatten {

void LayerNorm::operator()(ConstMatrix x, Matrix y, ThreadPool& threads) const {
  for_row_chunks(threads, x.rows, [&](std::size_t first, std::size_t rows) {
    kernels::LayerNormArgs args;
    args.x = x.rows_from(first, rows);
    args.gamma = gamma.data();
    args.beta = beta.data();
    args.eps = eps;
    args.y = y.rows_from(first, rows);
    kernels::layer_norm(args);
  });
}

}  // namespace spatten

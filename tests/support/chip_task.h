// SPDX-License-Identifier: Apache-2.0
// What a tap saw of a head, as algo's fixed-point attention takes it.
#pragma once

#include "spatten/algo/fixed_attention.h"
#include "spatten/layers/operand_tap.h"

namespace spatten {

inline algo::FixedHeadTask task_of(const HeadOperands& o, const algo::QuantizationPolicy& quantization) {
  algo::FixedHeadTask task;
  task.q = o.q;
  task.k = o.k;
  task.v = o.v;
  task.key_rows = o.key_rows;
  task.inverse_sqrt_dim = o.scale;
  task.quantization = algo::chip_quantization(quantization);
  task.causal = o.causal;
  task.value_keeps = o.value_keeps;
  return task;
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Takes pruned tokens out of the matrices of a pass: the rows that stay move up, in order.
#pragma once

#include <vector>

#include "spatten/algo/cascade.h"
#include "spatten/layers/pass.h"

namespace spatten {

/// Applies one decision per sequence to x (and to context when `with_context`). An encoder's pruned tokens leave their
/// state in PassSequence::frozen.
void shrink(Pass& pass, const std::vector<algo::LayerDecision>& decisions, bool with_context);

}  // namespace spatten

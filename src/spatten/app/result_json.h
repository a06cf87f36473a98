// SPDX-License-Identifier: Apache-2.0
// Pieces of the JSON results (docs/interface.md) that verbs share.
#pragma once

#include <span>

#include "spatten/base/json_tree.h"
#include "spatten/layers/work.h"

namespace spatten::app {

/// The shortest decimal that reads back to the same fp32 value. Throws Error for NaN and infinity, which JSON lacks.
Json number(float value);
Json number(double value);
Json numbers(std::span<const float> values);

Json to_json(const Work& work);

}  // namespace spatten::app

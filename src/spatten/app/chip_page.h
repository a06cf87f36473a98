// SPDX-License-Identifier: Apache-2.0
// A run on the chip as one self-contained page: where the cycles, the joules and the square millimetres go, roofline, time,
// stalls and bytes per layer, assumptions, the whole configuration. No outside resource, no script, light and dark.
#pragma once

#include <string>

#include "spatten/study/chip_run.h"

namespace spatten::app {

/// The whole HTML document. `command` is how the run was called.
std::string chip_page(const ChipRun& run, const std::string& command);

}  // namespace spatten::app

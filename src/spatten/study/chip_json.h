// SPDX-License-Identifier: Apache-2.0
// A run on the chip as JSON: the fields of `spatten simulate --json` (docs/interface.md) and the tree of every counter
// (--stats, docs/formats/stats.md).
#pragma once

#include "spatten/base/json.h"
#include "spatten/study/chip_run.h"

namespace spatten {

/// The contract of docs/interface.md.
Json chip_json(const ChipRun& run);

/// The part of it that fits beside another result: what one text or story needs on the chip.
Json chip_summary_json(const ChipRun& run);

/// The memory as the statistics and the page show it.
Json memory_json(const MemoryFigures& memory);

/// Version of the tree below; goes up when a key changes its meaning.
inline constexpr std::uint32_t kStatsVersion = 1;

/// Everything that was counted, by unit, with the configuration that it belongs to.
Json chip_stats(const ChipRun& run);

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// A run on the chip as text for people: time, work, memory, energy, area, what each unit did, what was assumed.
#pragma once

#include <optional>
#include <string>

#include "spatten/app/terminal.h"
#include "spatten/study/chip_run.h"

namespace spatten::app {

std::string chip_text(const ChipRun& run, const Terminal& terminal);

/// "1.2 us, 3.4 KB of DRAM, 5.6 uJ": what a text needs on the chip, for one line beside another result.
std::string chip_line(const ChipRun& run);

/// What a state means, for people: "waits for DRAM".
const char* why_words(sim::Why why);

/// The reason for which a unit was stalled longest; none when it never was.
std::optional<sim::Why> longest_stall(const sim::Activity& activity);

/// The same in words, empty for none.
std::string main_stall(const sim::Activity& activity);

/// The names of the parts of StreamBytes, as reports show them, with their bytes; those without traffic are left out.
std::vector<std::pair<std::string, std::uint64_t>> stream_bytes(const sim::StreamBytes& bytes);

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// Which chip, which memory, which technology: the options of everything that simulates, and where a --set belongs.
#pragma once

#include <string>
#include <vector>

#include "spatten/app/environment.h"
#include "spatten/app/option_kinds.h"
#include "spatten/app/run_files.h"
#include "spatten/study/chip_run.h"

namespace spatten::app {

struct ChipOptions {
  std::string chip, memory, technology;  // empty: the default
};

/// --chip, --memory, --tech
void add_chip_options(CLI::App& app, ChipOptions& options);

/// --set assignments by whom they are for.
struct Overrides {
  std::vector<std::string> policy, chip, memory;
};

/// The first part of a key decides: a key of the policy, of the chip, or of the memory ("memory." before it is always right).
/// Throws UsageError with the nearest known key.
Overrides split_overrides(const std::vector<std::string>& assignments);

/// The files of a chip that load_chip_setup() has read.
std::vector<NamedFile> chip_files(const ChipOptions& options, const ChipSetup& setup, const Environment& environment);

/// Reads chip, memory and technology and checks that they fit. Throws Error, or UsageError for a bad override.
ChipSetup load_chip_setup(const ChipOptions& options, const Overrides& overrides, const Environment& environment);

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// From argv to a verb that runs: the list of verbs, help texts, and for a mistyped word the nearest known one.
#pragma once

#include <string>
#include <vector>

#include "spatten/app/verb.h"

namespace spatten::app {

/// Runs `spatten WORDS...` and returns 0. Throws what the verb throws; UsageError for words that mean nothing.
int run_command_line(const std::vector<std::string>& words, Environment& environment);

/// The text of `spatten --help`.
std::string overview(const Environment& environment);

/// The text of `spatten help VERB`.
std::string verb_help(const VerbEntry& entry, const Environment& environment);

}  // namespace spatten::app

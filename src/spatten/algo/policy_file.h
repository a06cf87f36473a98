// SPDX-License-Identifier: Apache-2.0
// From the word after --policy to a checked Policy: a preset of configs/pruning/ or a file, then the --set overrides.
#pragma once

#include <string>
#include <vector>

#include "spatten/algo/policy.h"

namespace spatten::algo {

/// Names of the presets in a folder, sorted.
std::vector<std::string> policy_presets(const std::string& config_dir);

/// `name_or_file` is a path when it has a "/" or ends in ".json"; else the preset CONFIG_DIR/NAME.json, or a file of
/// that name when there is no such preset. `overrides` are "token.keep=0.5" and so on, laid over it in order. Throws
/// Error for a bad file (file, line, key) and UsageError for an unknown preset or a bad override (nearest word).
Policy load_policy(const std::string& name_or_file, const std::string& config_dir,
                   const std::vector<std::string>& overrides = {});

}  // namespace spatten::algo

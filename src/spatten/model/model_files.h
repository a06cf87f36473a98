// SPDX-License-Identifier: Apache-2.0
// Finds the weight files of a model folder: one model.safetensors, or the shards that model.safetensors.index.json
// lists. The names in the index are not trusted: every file must lie inside the folder, links included.
#pragma once

#include <string>
#include <vector>

#include "spatten/model/safetensors.h"

namespace spatten {

/// FOLDER/NAME as a path to open. Throws Error when it leads out of the folder. A link from the snapshot of a Hugging
/// Face cache (models--X/snapshots/Y) to the blobs of the same models--X is inside.
std::string path_inside(const std::string& folder, const std::string& name);

/// All weight files, open and checked against the index.
std::vector<SafetensorsFile> open_weight_files(const std::string& folder, const SafetensorsLimits& limits);

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// A model folder of any shape with random weights, to measure loading with when no trained model of that size is at hand.
#pragma once

#include <cstdint>
#include <string>

namespace spatten {

/// Makes the folder and writes config.json and model.safetensors (F32); no tokenizer. The memory it takes is one strip of
/// a tensor. Throws Error when the folder holds one of these files already, for a bad configuration, or when the disk is
/// full.
void write_random_checkpoint(const std::string& folder, const std::string& config_path, std::uint64_t seed);

}  // namespace spatten

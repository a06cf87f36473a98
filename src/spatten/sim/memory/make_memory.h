// SPDX-License-Identifier: Apache-2.0
// A memory from a text of the command line: "ideal:LATENCY[:PENDING]" or the path of a file of configs/memory.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "spatten/sim/memory/dram_spec.h"
#include "spatten/sim/memory/memory.h"

namespace spatten::sim {

/// The file of configs/memory that is used when none is named.
inline constexpr const char* kDefaultMemory = "hbm2-r21";

/// Whether the text is "ideal:..." and thus names no file.
bool is_ideal_memory(const std::string& text);

/// `overrides` are "KEY=VALUE" with the dotted keys of docs/formats/memory.md; "channels" and "pending" work for every
/// memory. Throws Error that names file, line and key (or the override), UsageError for a malformed text or override.
std::unique_ptr<Memory> make_memory(const std::string& text, const std::vector<std::string>& overrides = {});

/// The same for many memories that are alike: the file is read once, each call makes one.
std::function<std::unique_ptr<Memory>()> memory_maker(const std::string& text,
                                                      const std::vector<std::string>& overrides = {});

/// A memory from a spec that was read or changed elsewhere.
std::unique_ptr<Memory> make_dram(const DramSpec& spec);

}  // namespace spatten::sim

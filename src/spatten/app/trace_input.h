// SPDX-License-Identifier: Apache-2.0
// A trace that the user names: our format or a CSV of the authors, told apart by content.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "spatten/trace/source.h"

namespace spatten::app {

/// What standard input may hold at most, since it is kept in memory.
inline constexpr std::size_t kMaxStandardInput = std::size_t{1} << 30;

/// `path` "-" is standard input, which is refused at its first line when it is neither. Throws Error that names file
/// and place, and Cancelled when `cancelled` (may be null) becomes true before the trace is open.
std::unique_ptr<trace::Source> open_trace(const std::string& path, const std::atomic<bool>* cancelled);

/// The same, and each record throws Cancelled, too.
std::unique_ptr<trace::Source> open_stoppable_trace(const std::string& path, const std::atomic<bool>* cancelled);

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// A trace that the user names: our format or a CSV of the authors, told apart by content.
#pragma once

#include <memory>
#include <string>

#include "spatten/trace/source.h"

namespace spatten::app {

/// `path` "-" is standard input. Throws Error that names file and place.
std::unique_ptr<trace::Source> open_trace(const std::string& path);

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// What main() found out about the process and hands to a verb.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "spatten/app/terminal.h"

namespace spatten::app {

/// What stands on the command line after the verb and is no option.
using Arguments = std::vector<std::string>;

struct Environment {
  std::string program = "spatten";             // as the user called it, for examples in help texts
  std::string command;                         // verb, options and inputs as they were given, quoted for a shell
  Terminal terminal;
  std::vector<std::string> data_roots;         // folders that may hold configs/ and models/, best first
  const std::atomic<bool>* cancelled = nullptr;
};

}  // namespace spatten::app

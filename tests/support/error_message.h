// SPDX-License-Identifier: Apache-2.0
// The one line that the user would see.
#pragma once

#include <string>

#include "spatten/base/error.h"

namespace spatten {

/// what() of the Error that `action` throws, "" when it throws none. Any other exception passes.
template <class F>
std::string error_message(F&& action) {
  try {
    action();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

}  // namespace spatten

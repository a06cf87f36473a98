// SPDX-License-Identifier: Apache-2.0
// Where the data that is not part of this repository lies, for the tests that use it when it is there.
#pragma once

#include <cstdlib>
#include <string>

namespace spatten {

/// A path below $SPATTEN_SHARED_DATA, or else below ../shared/data beside the repository.
inline std::string shared_data(const std::string& name) {
  const char* set = std::getenv("SPATTEN_SHARED_DATA");
  return (set != nullptr ? std::string(set) : std::string(SPATTEN_SOURCE_DIR) + "/../shared/data") + "/" + name;
}

}  // namespace spatten

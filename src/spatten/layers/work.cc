// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/work.h"

#include <vector>

namespace spatten {

Work& Work::operator+=(const Work& other) {
  std::vector<std::uint64_t> values;
  each(other, [&](const char*, const std::uint64_t& v, const char*, const char*) { values.push_back(v); });
  std::size_t next = 0;
  each(*this, [&](const char*, std::uint64_t& v, const char*, const char*) { v += values[next++]; });
  return *this;
}

}  // namespace spatten

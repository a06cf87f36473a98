// SPDX-License-Identifier: Apache-2.0
#include "spatten/trace/record.h"

#include <algorithm>

#include "spatten/base/error.h"

namespace spatten::trace {

// A causal row r of `rows` sees keys - rows + 1 + r keys: the last row sees all of them.

std::uint64_t key_pairs(const Record& record) {
  const std::uint64_t rows = record.rows, keys = record.keys;
  if (!record.causal) return rows * keys;
  SPATTEN_CHECK(rows <= keys);
  return rows * (keys - rows) + rows * (rows + 1) / 2;
}

std::uint64_t value_pairs(const Record& record) {
  return record.values_total != 0 ? record.values_total : most_value_pairs(record);
}

std::uint64_t most_value_pairs(const Record& record) {
  const std::uint64_t rows = record.rows, keys = record.keys, values = record.values;
  if (!record.causal) return rows * values;
  SPATTEN_CHECK(rows <= keys);
  const std::uint64_t fewest = keys - rows + 1;  // keys that the first row sees
  if (values <= fewest) return rows * values;
  const std::uint64_t below = std::min(rows, values - fewest);  // rows that see fewer keys than they may keep
  return below * fewest + below * (below - 1) / 2 + (rows - below) * values;
}

}  // namespace spatten::trace

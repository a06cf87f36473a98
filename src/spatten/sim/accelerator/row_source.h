// SPDX-License-Identifier: Apache-2.0
// Where the controller gets its rows from.
#pragma once

#include <cstdint>
#include <vector>

#include "spatten/sim/units/row.h"

namespace spatten::sim {

/// One (step, layer) of the rows that were made.
struct LayerOfRows {
  std::uint32_t step = 0, layer = 0;
};

class RowSource {
 public:
  virtual ~RowSource() = default;
  /// The next row, or nullptr after the last one. It lives until release().
  virtual Row* next() = 0;
  virtual void release(Row* row) = 0;
  /// Grows while rows are made; Row::layer_slot is an index into it.
  virtual const std::vector<LayerOfRows>& layers() const = 0;
};

}  // namespace spatten::sim

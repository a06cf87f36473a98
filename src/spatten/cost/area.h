// SPDX-License-Identifier: Apache-2.0
// Square millimetres of a chip: the technology's parts, scaled to the chip's size, in the rows of Fig. 13. The memory is
// another die and has no area here.
#pragma once

#include <string>
#include <vector>

#include "spatten/cost/technology.h"

namespace spatten::cost {

struct AreaItem {
  std::string part;
  std::size_t block = 0;
  double mm2 = 0;
};

struct BlockArea {
  std::string name, title;
  double mm2 = 0;
};

struct AreaReport {
  std::vector<BlockArea> blocks;  ///< in the table's order; off-chip blocks have 0
  std::vector<AreaItem> items;
  double total_mm2 = 0;
};

/// `chip` as for energy_of. Throws Error at a scale that the chip does not have.
AreaReport area_of(const Technology& technology, const Json& chip);

}  // namespace spatten::cost

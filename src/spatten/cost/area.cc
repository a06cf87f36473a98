// SPDX-License-Identifier: Apache-2.0
#include "spatten/cost/area.h"

namespace spatten::cost {

AreaReport area_of(const Technology& technology, const Json& chip) {
  const TechnologyData& data = technology.data();
  AreaReport out;
  for (const Block& b : data.blocks) out.blocks.push_back({b.name, b.title, 0});
  for (std::size_t i = 0; i < data.areas.size(); ++i) {
    const Area& a = data.areas[i];
    const std::size_t block = technology.block(a.block);
    const double mm2 = a.mm2 * technology.scale("areas", i, a.scales, chip) * data.blocks[block].area_factor;
    out.items.push_back({a.part, block, mm2});
    out.blocks[block].mm2 += mm2;
  }
  for (const BlockArea& b : out.blocks) out.total_mm2 += b.mm2;
  return out;
}

}  // namespace spatten::cost

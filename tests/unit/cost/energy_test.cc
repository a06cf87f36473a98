// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/json_tree.h"
#include "spatten/cost/energy.h"

#include <gtest/gtest.h>

#include "spatten/cost/area.h"
#include "support/error_message.h"
#include "unit/cost/small_chip.h"

namespace spatten::cost {
namespace {

Technology technology(const Json& table = small_table()) { return Technology::parse(dump_json(table, 1), "t.json"); }

EnergyReport energy(const Json& table = small_table()) { return energy_of(small_run(), 1e-6, technology(table), small_chip(), small_memory()); }

TEST(Energy, IsCountsTimesTheTable) {
  const EnergyReport e = energy();
  // Logic: 1000 x 0.5 pJ x 2. SRAM: 10 x 100 pJ x (1/2 x 2^2) x 2, and 10 mW x 2 for 1 us.
  // DRAM: (4 x 900 + 100 x 10 + 10 x 20 + 400) pJ x 0.5.
  EXPECT_DOUBLE_EQ(e.total.logic, 1000e-12);
  EXPECT_DOUBLE_EQ(e.total.sram, 4000e-12 + 20e-9);
  EXPECT_DOUBLE_EQ(e.total.dram, 2600e-12);
  ASSERT_EQ(e.blocks.size(), 2u);
  EXPECT_DOUBLE_EQ(e.blocks[0].joules.total(), 1000e-12 + 4000e-12 + 20e-9);
  EXPECT_DOUBLE_EQ(e.blocks[1].joules.dram, 2600e-12);
  EXPECT_EQ(e.blocks[1].joules.sram, 0);
}

TEST(Energy, PowerIsEnergyOverTime) {
  const EnergyReport e = energy();
  EXPECT_DOUBLE_EQ(e.watts().logic, 1000e-12 / 1e-6);
  EXPECT_DOUBLE_EQ(e.watts().total(), e.total.total() / 1e-6);
  EXPECT_EQ(energy_of(small_run(), 0, technology(), small_chip(), small_memory()).watts().total(), 0);
}

TEST(Energy, TheItemsAddUpToTheBlocksAndTheBlocksToTheTotal) {
  const EnergyReport e = energy();
  double items = 0, blocks = 0;
  for (const EnergyItem& i : e.items) items += i.joules;
  for (const BlockEnergy& b : e.blocks) blocks += b.joules.total();
  EXPECT_EQ(e.items.size(), 4u);
  EXPECT_DOUBLE_EQ(items, e.total.total());
  EXPECT_DOUBLE_EQ(blocks, e.total.total());
}

TEST(Energy, TwiceTheCountsAreTwiceTheDynamicEnergy) {
  sim::Result twice = small_run();
  for (auto& unit : twice.units) {
    for (auto& [name, count] : unit.counters) count *= 2;
  }
  const Joules one = energy_of(small_run(), 0, technology(), small_chip(), small_memory()).total;
  const Joules two = energy_of(twice, 0, technology(), small_chip(), small_memory()).total;
  EXPECT_DOUBLE_EQ(two.logic, 2 * one.logic);
  EXPECT_DOUBLE_EQ(two.sram, 2 * one.sram);
  EXPECT_DOUBLE_EQ(two.dram, 2 * one.dram);
}

TEST(Energy, AnUnknownCounterOrUnitNamesItsPlaceAndTheNearest) {
  Json table = small_table();
  table["actions"][0]["counter"] = "qk.multiplys";
  std::string text = error_message([&] { energy(table); });
  EXPECT_EQ(text.rfind("t.json:", 0), 0u) << text;
  EXPECT_NE(text.find("/actions/0/counter"), std::string::npos) << text;
  EXPECT_NE(text.find("did you mean \"qk.multiplies\"?"), std::string::npos) << text;
  table["actions"][0]["counter"] = "key_srm.lines_read";
  text = error_message([&] { energy(table); });
  EXPECT_NE(text.find("did you mean \"key_sram\"?"), std::string::npos) << text;
}

TEST(Area, IsThePartsAtTheSizeOfTheChip) {
  const AreaReport a = area_of(technology(), small_chip());
  ASSERT_EQ(a.items.size(), 2u);
  EXPECT_DOUBLE_EQ(a.items[0].mm2, 0.4 * 0.5 * 3);
  EXPECT_DOUBLE_EQ(a.items[1].mm2, 0.1 * 3);
  EXPECT_DOUBLE_EQ(a.blocks[0].mm2, 0.9);
  EXPECT_EQ(a.blocks[1].mm2, 0);
  EXPECT_DOUBLE_EQ(a.total_mm2, 0.9);
}

}  // namespace
}  // namespace spatten::cost

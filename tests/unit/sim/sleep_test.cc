// SPDX-License-Identifier: Apache-2.0
// Units that sleep: a machine whose units are ticked in every cycle does the same at the same time and accounts for it
// alike.
#include <gtest/gtest.h>

#include "spatten/sim/accelerator/simulate.h"
#include "spatten/sim/memory/make_memory.h"
#include "spatten/trace/memory.h"

namespace spatten::sim {
namespace {

const trace::Header kHeader;  // sources refer to it

class Sleep : public ::testing::TestWithParam<std::pair<std::string, std::string>> {};

std::vector<trace::Record> some_rows() {
  std::vector<trace::Record> records;
  for (std::uint32_t i = 0; i < 24; ++i) {
    trace::Record r;
    r.layer = i / 12;
    r.head = i % 12;
    r.context = 160;
    r.keys = i % 3 == 0 ? 160 : 96;
    r.values = i % 2 == 0 ? r.keys / 4 : r.keys;
    r.head_dim = 64;
    r.key_msb_bits = r.value_bits = i % 4 == 3 ? 8 : 4;
    r.key_lsb_bits = 4;
    r.lsb_rows = i % 5 == 0 ? 1 : 0;
    records.push_back(r);
  }
  return records;
}

TEST_P(Sleep, ChangesNothingButTheTimeItTakes) {
  const std::string name = GetParam().first, memory = GetParam().second;
  const ChipSpec chip = load_chip(SPATTEN_SOURCE_DIR "/configs/hw/" + name + ".json");
  const std::vector<trace::Record> records = some_rows();
  const auto run = [&](bool awake) {
    trace::MemorySource source(kHeader, records);
    SimulationOptions options;
    options.stay_awake = awake;
    const std::string file =
        memory.starts_with("ideal") ? memory : SPATTEN_SOURCE_DIR "/configs/memory/" + memory + ".json";
    return simulate(
        source, chip, [&] { return make_memory(file, {"channels=" + std::to_string(chip.channels)}); }, options);
  };
  const Result asleep = run(false), awake = run(true);
  EXPECT_EQ(asleep.cycles, awake.cycles);
  ASSERT_EQ(asleep.units.size(), awake.units.size());
  for (std::size_t i = 0; i < asleep.units.size(); ++i) {
    const UnitResult &a = asleep.units[i], &b = awake.units[i];
    SCOPED_TRACE(a.name);
    EXPECT_EQ(a.counters, b.counters);
    for (std::size_t why = 0; why < kWhys; ++why) {
      EXPECT_EQ(a.activity.spent(static_cast<Why>(why)), b.activity.spent(static_cast<Why>(why)))
          << why_name(static_cast<Why>(why));
    }
  }
}

std::string name_of(const ::testing::TestParamInfo<std::pair<std::string, std::string>>& info) {
  std::string text = info.param.first + "_" + info.param.second;
  for (char& c : text) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return text;
}

INSTANTIATE_TEST_SUITE_P(Chips, Sleep,
                         ::testing::Values(std::pair{"spatten", "ideal:30:4"}, std::pair{"spatten-eighth", "hbm2-r21"},
                                           std::pair{"rtl-full", "hbm2-r20"}, std::pair{"rtl-full", "ideal:30:16"},
                                           std::pair{"rtl-eighth", "ideal:1"}),
                         name_of);

// spatten writes its outputs, of which some memories keep the last ones until more come.
INSTANTIATE_TEST_SUITE_P(Memories, Sleep,
                         ::testing::Values(std::pair{"spatten", "hbm2-r21"}, std::pair{"spatten", "hbm2-r21-robaracoch"},
                                           std::pair{"spatten", "hbm2-r20"}, std::pair{"spatten", "hbm2-r20-pcbg"},
                                           std::pair{"spatten", "hbm2-d3"}, std::pair{"spatten", "hbm2-d3-pcbg"},
                                           std::pair{"spatten", "hbm2-legacy"}, std::pair{"spatten", "ddr4-2400"}),
                         name_of);

}  // namespace
}  // namespace spatten::sim

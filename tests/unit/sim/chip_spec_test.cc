// SPDX-License-Identifier: Apache-2.0
// Chips as files: the shipped ones are read, and a knob that makes no machine is refused by name, value and rule.
#include "spatten/sim/accelerator/spec.h"

#include <gtest/gtest.h>

#include "spatten/base/fields.h"

namespace spatten::sim {
namespace {

std::string path_of(const std::string& name) { return std::string(SPATTEN_SOURCE_DIR "/configs/hw/") + name + ".json"; }

class ShippedChip : public ::testing::TestWithParam<const char*> {};

TEST_P(ShippedChip, IsReadAndWrittenBackUnchanged) {
  const ChipSpec chip = load_chip(path_of(GetParam()));
  EXPECT_FALSE(chip.source.empty());
  const JsonFile again = JsonFile::parse(dump_json(write_field(chip)), "written");
  ChipSpec read;
  read_fields(again.root(), read);
  EXPECT_EQ(write_field(read), write_field(chip));
}

INSTANTIATE_TEST_SUITE_P(Files, ShippedChip,
                         ::testing::Values("spatten", "spatten-eighth", "spatten-e2e", "rtl-full", "rtl-eighth", "rtl-fork"),
                         [](const auto& chip) {
                           std::string name = chip.param;
                           std::erase(name, '-');
                           return name;
                         });

struct Refused {
  const char *name, *assignment, *expected;
};

class ImpossibleChip : public ::testing::TestWithParam<Refused> {};

TEST_P(ImpossibleChip, IsRefusedByKnobValueAndRule) {
  try {
    load_chip(path_of("spatten"), {GetParam().assignment});
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_NE(std::string(error.what()).find(GetParam().expected), std::string::npos) << error.what();
  }
}

INSTANTIATE_TEST_SUITE_P(
    Knobs, ImpossibleChip,
    ::testing::Values(Refused{"NoChannels", "channels=0", "channels is 0, expected 1 to 64"},
                      Refused{"ThreeChannels", "channels=3", "channels is 3, expected a power of two"},
                      Refused{"OddArray", "array.multipliers=500", "array.multipliers is 500, expected a power of two"},
                      Refused{"LongSums", "qk.max_head_dim=1024", "qk.max_head_dim is 1024, expected 64 to 512"},
                      Refused{"SmallSram", "key_sram.lines=100", "key_sram.lines is 100, too small for one row"},
                      Refused{"SmallSoftmaxFifo", "softmax.fifo_lines=10", "softmax.fifo_lines is 10, too small for one row"},
                      Refused{"LanesThatCutLines", "fetcher.lanes=12", "fetcher.lanes is 12, expected a multiple of the 8"},
                      Refused{"MoreUnderWayThanHeld", "fetcher.outstanding=65", "fetcher.outstanding is 65, more than the 64"},
                      Refused{"NoClock", "clock_hz=0", "clock_hz is 0"},
                      Refused{"SevenBitWeights", "fc.weight_bits=7", "fc.weight_bits is 7, expected 0, 8 or 12"},
                      Refused{"UnknownKnob", "topk.lane=8", "lanes"}),
    [](const auto& refused) { return std::string(refused.param.name); });

}  // namespace
}  // namespace spatten::sim

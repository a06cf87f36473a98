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
    ::testing::Values(Refused{"NoChannels", "channels=0", "/channels: expected 1 to 64, found 0"},
                      Refused{"ThreeChannels", "channels=3", "/channels: expected a power of two, found 3"},
                      Refused{"OddArray", "array.multipliers=500", "/array/multipliers: expected a power of two, found 500"},
                      Refused{"LongSums", "qk.max_head_dim=1024", "/qk/max_head_dim: expected 64 to 512, found 1024"},
                      Refused{"SmallSram", "key_sram.lines=100", "/key_sram/lines: expected at least 128 for the longest row"},
                      Refused{"SmallSoftmaxFifo", "softmax.fifo_lines=10", "/softmax/fifo_lines: expected at least 128 for the longest row"},
                      Refused{"LanesThatCutLines", "fetcher.lanes=12", "/fetcher/lanes: expected a multiple of the 8 vectors"},
                      Refused{"MoreUnderWayThanHeld", "fetcher.outstanding=65", "/fetcher/outstanding: expected at most the 64 answers"},
                      Refused{"NoClock", "clock_hz=0", "/clock_hz: expected 1000000 to 100000000000, found 0"},
                      Refused{"SevenBitWeights", "fc.weight_bits=7", "/fc/weight_bits: expected 0, 8 or 12, found 7"},
                      Refused{"UnknownKnob", "topk.lane=8", "lanes"}),
    [](const auto& refused) { return std::string(refused.param.name); });

std::string refusal_of(const std::string& text) {
  try {
    const JsonFile file = JsonFile::parse(text, "c.json");
    ChipSpec chip;
    read_fields(file.root(), chip);
  } catch (const Error& error) {
    return error.what();
  }
  return "none";
}

TEST(ChipFile, IsRefusedAtLineAndKey) {
  EXPECT_EQ(refusal_of("{\n \"name\": \"x\",\n \"clock_hz\": 0}"), "c.json:3:/clock_hz: expected 1000000 to 100000000000, found 0");
  EXPECT_EQ(refusal_of("{\"topk\": {\n\"lanes\": 0}}"), "c.json:2:/topk/lanes: expected 1 to 4096, found 0");
}

TEST(ChipFile, ARuleOfAKnobThatIsLeftOutNamesIt) {
  EXPECT_EQ(refusal_of("{\"key_sram\":\n{\"allocations\": 4},\n \"rows\": {\"max_keys\": 1000000}}"),
            "c.json:2:/key_sram: key_sram.lines: expected at least 125000 for the longest row, rows.max_keys 1000000 at 8 a line, found 256");
}

}  // namespace
}  // namespace spatten::sim

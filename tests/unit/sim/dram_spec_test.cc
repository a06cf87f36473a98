// SPDX-License-Identifier: Apache-2.0
// Memory files that are wrong say where and why.
#include "spatten/sim/memory/dram_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spatten/base/fields.h"
#include "spatten/base/file.h"
#include "spatten/base/json_tree.h"
#include "spatten/sim/memory/make_memory.h"
#include "support/error_message.h"
#include "support/memory_files.h"
#include "support/temp_folder.h"

namespace spatten::sim {
namespace {

using testing::AllOf;
using testing::HasSubstr;

/// The message for the default memory with one change.
std::string with(const std::string& assignment) {
  return error_message([&] { load_dram_spec(memory_file("hbm2-r21"), {assignment}); });
}

/// The message for the default memory, its text changed once.
std::string with_text(const std::string& from, const std::string& to) {
  std::string text = read_file(memory_file("hbm2-r21"));
  const std::size_t at = text.find(from);
  if (at == std::string::npos) return "the file has no " + from;
  text.replace(at, from.size(), to);
  const JsonFile file = JsonFile::parse(text, "memory.json");
  return error_message([&] { read_dram_spec(file.root()); });
}

TEST(DramSpec, EveryFileReadsAndWritesBackUnchanged) {
  for (const std::string& name : memory_names()) {
    const DramSpec spec = load_dram_spec(memory_file(name));
    const Json written = write_field(spec);
    const JsonFile again = JsonFile::parse(written.dump(), name);
    EXPECT_EQ(write_field(read_dram_spec(again.root())), written) << name;
    EXPECT_FALSE(spec.name.empty());
    EXPECT_FALSE(spec.source.empty());
  }
}

TEST(DramSpec, UnknownKeyNamesLineAndNearest) {
  EXPECT_THAT(with_text("\"nRAS\"", "\"nRASS\""),
              AllOf(HasSubstr("memory.json:12:"), HasSubstr("nRASS"), HasSubstr("\"nRAS\"")));
  EXPECT_THAT(with("controler.read_queue=1"), HasSubstr("controller"));
}

TEST(DramSpec, RowCycleBelowItsPartsIsContradictory) {
  EXPECT_THAT(with("timing.clocks.nRC=47"),
              AllOf(HasSubstr("nRC"), HasSubstr("nRAS + nRP = 48"), HasSubstr("found 47")));
  EXPECT_THAT(with_text(R"("to": ["activate"], "clocks": "nRC"})", R"("to": ["activate"], "clocks": "nRC - 1"})"),
              AllOf(HasSubstr("memory.json:18:"), HasSubstr("nRC = 48"), HasSubstr("found at most 47")));
}

TEST(DramSpec, OtherContradictionsNameBothCounts) {
  EXPECT_THAT(with("timing.clocks.nCCDL=1"), HasSubstr("nCCDS = 2"));
  EXPECT_THAT(with("timing.clocks.nREFI=699"), HasSubstr("2 nRFC = 700"));
}

TEST(DramSpec, BurstsMayNotOverlap) {
  DramSpec spec = load_dram_spec(memory_file("hbm2-r21"));
  std::erase_if(spec.timing.rules, [](const DramRule& rule) { return rule.clocks == "nBL"; });
  spec.timing.clocks.nBL = 3;
  const JsonFile file = JsonFile::parse(write_field(spec).dump(), "m");
  EXPECT_THAT(error_message([&] { read_dram_spec(file.root()); }), AllOf(HasSubstr("nBL = 3"), HasSubstr("found 2")));
}

TEST(DramSpec, MissingRuleIsNamed) {
  const std::string rule = R"({"level": "bank", "from": ["precharge"], "to": ["activate"], "clocks": "nRP - 1"},)";
  EXPECT_THAT(with_text(rule, ""),
              AllOf(HasSubstr("/timing/rules"), HasSubstr("from precharge to activate"), HasSubstr("bank")));
}

/// The message for a memory without the rules that a count stands in.
std::string without(const std::string& name, const std::string& count) {
  DramSpec spec = load_dram_spec(memory_file(name));
  std::erase_if(spec.timing.rules, [&](const DramRule& rule) { return (rule.clocks + " ").find(count + " ") != std::string::npos; });
  const JsonFile file = JsonFile::parse(write_field(spec).dump(), "memory.json");
  return error_message([&] { read_dram_spec(file.root()); });
}

TEST(DramSpec, EveryCountNeedsARuleThatKeepsIt) {
  for (const std::string& name : memory_names()) {
    for (const char* count : {"nRCDRD", "nRCDWR", "nRP", "nRAS", "nRC", "nRTP", "nWR", "nWTRL"}) {
      EXPECT_THAT(without(name, count), HasSubstr("memory.json:1:/timing/rules: expected a rule of ")) << name << ": " << count;
    }
  }
  for (const char* count : {"nCCDL", "nRRDL", "nFAW"}) {  // in other files a longer distance stands in for one of them
    EXPECT_THAT(without("ddr4-2400", count), HasSubstr(std::string("expected a rule of ") + count));
  }
}

TEST(DramSpec, MissingKeyIsNamed) {
  EXPECT_THAT(with_text("\"nRP\": 14, ", ""), AllOf(HasSubstr("/timing/clocks"), HasSubstr("nRP")));
  EXPECT_THAT(with_text("\"rows\": 65536, ", ""), AllOf(HasSubstr("/organization"), HasSubstr("rows")));
  EXPECT_THAT(with_text("\"pending\": 16,", ""), HasSubstr("pending"));
}

TEST(DramSpec, EveryKeyIsDocumented) {
  const std::string page = read_file(std::string(SPATTEN_SOURCE_DIR) + "/docs/formats/memory.md");
  std::vector<FieldLine> lines;
  list_fields<DramSpec>("", lines);
  const auto documented = [&page](const std::string& word) { return page.find("`" + word + "`") != std::string::npos; };
  for (const FieldLine& line : lines) EXPECT_TRUE(line.type == "object" || documented(line.key)) << line.key;
  for (const std::string& name : memory_names()) EXPECT_TRUE(documented(name)) << name;
}

TEST(DramSpec, BadSumsNameTheWord) {
  EXPECT_THAT(with_text("\"nRP - 1\"", "\"nRq - 1\""), AllOf(HasSubstr("nRq"), HasSubstr("nRP")));
  EXPECT_THAT(with_text("\"nRP - 1\"", "\"nRP - 14\""), AllOf(HasSubstr("1 to"), HasSubstr("= 0")));
  for (const char* sum : {"", " ", "nRP nRP", "+ nRP", "nRP +", "nRP - -1", "99999999", "nRP * 2"}) {
    EXPECT_NE(error_message([&] { evaluate_clocks(sum, {}); }), "") << sum;
  }
  EXPECT_EQ(evaluate_clocks("nCL + 2 - nCWL", DramClocks{.nCL = 14, .nCWL = 5}), 11u);
}

TEST(DramSpec, SizesOutOfRangeNameKeyValueAndRule) {
  EXPECT_THAT(with("channels=0"), AllOf(HasSubstr("channels"), HasSubstr("power of two"), HasSubstr("found 0")));
  EXPECT_THAT(with("channels=12"), AllOf(HasSubstr("channels"), HasSubstr("found 12")));
  EXPECT_THAT(with("channels=-1"), HasSubstr("/channels"));
  EXPECT_THAT(with("channels=1000000000000"), HasSubstr("/channels"));
  EXPECT_THAT(with("organization.banks=3"), AllOf(HasSubstr("banks"), HasSubstr("power of two")));
  EXPECT_THAT(with("organization.banks=32"), HasSubstr("at most 64 banks"));
  EXPECT_THAT(with("organization.rows=0"), HasSubstr("rows"));
  EXPECT_THAT(with("access_bytes=48"), HasSubstr("access_bytes"));
  EXPECT_THAT(with("clock_hz=0"), HasSubstr("clock_hz"));
  EXPECT_THAT(with("pending=0"), HasSubstr("pending"));
  EXPECT_THAT(with("controller.read_queue=0"), HasSubstr("read_queue"));
  EXPECT_THAT(with("controller.read_queue=65"), AllOf(HasSubstr("read_queue"), HasSubstr("1 to 64, found 65")));
  EXPECT_THAT(with("controller.writes_start=32"), HasSubstr("writes_start"));
  EXPECT_THAT(with("energy.read_pj=-1"), HasSubstr("read_pj"));
  EXPECT_THAT(with("controller.scheduler=bank_queues"), HasSubstr("refresh"));
  EXPECT_THAT(with("refresh.policy=sometimes"), HasSubstr("in_order"));
}

TEST(DramSpec, AddressMapHoldsEachPartOnce) {
  EXPECT_THAT(with(R"(address_map=["column","bank","row","bank_group"])"), HasSubstr("pseudo_channel"));
  EXPECT_THAT(with(R"(address_map=["column","bank","row","bank_group","pseudo_channel","row"])"), HasSubstr("\"row\""));
}

TEST(DramSpec, OverridesReachTheModel) {
  const DramSpec spec =
      load_dram_spec(memory_file("hbm2-r21"), {"channels=2", "timing.clocks.nFAW=30", "controller.command_bus=one"});
  EXPECT_EQ(spec.channels, 2u);
  EXPECT_EQ(spec.timing.clocks.nFAW, 30u);
  EXPECT_EQ(spec.controller.command_bus, CommandBus::kOne);
  EXPECT_EQ(make_dram(spec)->peak_bytes_per_clock(), 64);
}

TEST(MakeMemory, PeaksAndSizesAreThoseOfTheTechnology) {
  const auto peak = [](const char* name) {
    const auto memory = make_memory(memory_file(name));
    return memory->peak_bytes_per_clock() * memory->clock_hz() * 1e-9;
  };
  EXPECT_DOUBLE_EQ(peak("hbm2-r21"), 512);
  EXPECT_DOUBLE_EQ(peak("hbm2-d3"), 512);
  EXPECT_DOUBLE_EQ(peak("hbm2-r20"), 256);
  EXPECT_DOUBLE_EQ(peak("hbm2-legacy"), 512);
  EXPECT_DOUBLE_EQ(peak("ddr4-2400"), 76.8);
  EXPECT_EQ(make_memory(memory_file("hbm2-r21"))->capacity_bytes(), std::uint64_t{32} << 30);
  EXPECT_EQ(make_memory(memory_file("hbm2-r20"))->capacity_bytes(), std::uint64_t{8} << 30);
}

TEST(MakeMemory, SplitsFlatAddressesOverTheChannels) {
  const auto memory = make_memory(memory_file("hbm2-r21"));
  for (const std::uint64_t address : {std::uint64_t{0}, std::uint64_t{0x1234560}, std::uint64_t{0x7fffffffe0}}) {
    const ChannelAddress place = memory->split(address);
    EXPECT_EQ(place.channel, address >> 5 & 15);
    EXPECT_EQ(place.address, (address >> 9) << 5 | (address & 31));
  }
  EXPECT_EQ(make_memory(memory_file("hbm2-r21"), {"channels=2"})->split(0x60).channel, 1u);
}

TEST(MakeMemory, IdealTextsAreChecked) {
  EXPECT_EQ(make_memory("ideal:30:64")->pending_limit(), 64u);
  EXPECT_EQ(make_memory("ideal:1")->pending_limit(), 16u);
  EXPECT_EQ(make_memory("ideal:1", {"channels=2"})->channels(), 2u);
  for (const char* text : {"ideal:", "ideal:x", "ideal:1:", "ideal:1:2:3", "ideal:-1", "ideal:0", "ideal:1:0",
                           "ideal:99999999999999999999"}) {
    EXPECT_NE(error_message([&] { make_memory(text); }), "") << text;
  }
  EXPECT_THAT(error_message([] { make_memory("ideal:1", {"chanels=2"}); }), HasSubstr("channels"));
}

TEST(MakeMemory, EnergyIsEventsTimesFigures) {
  const auto memory = make_memory(memory_file("hbm2-r21"));
  MemoryStats stats;
  stats.activates = 4320;
  stats.reads = 131072;
  EXPECT_NEAR(memory->energy().of(stats) * 1e-6, 120.70, 0.005);  // seq_read of the published table
}

TEST(DramSpec, EmptyAndForeignFilesAreRefused) {
  const TempFolder folder;
  EXPECT_NE(error_message([&] { load_dram_spec(folder.write("empty.json", "")); }), "");
  EXPECT_NE(error_message([&] { load_dram_spec(folder.write("list.json", "[]")); }), "");
  EXPECT_NE(error_message([&] { load_dram_spec(folder.write("nothing.json", "{}")); }), "");
  EXPECT_NE(error_message([&] { load_dram_spec(folder.path("absent.json")); }), "");
}

}  // namespace
}  // namespace spatten::sim

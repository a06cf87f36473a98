// SPDX-License-Identifier: Apache-2.0
// The memories of configs/memory against the public simulators that they describe, Ramulator 2 (R20: 2.0, R21: 2.1) and
// DRAMsim3 (D3), on the same traces under the same replay rule. docs/validation.md has the table.
#include <gtest/gtest.h>

#include "spatten/sim/memory/dram_workload.h"
#include "spatten/sim/memory/make_memory.h"
#include "spatten/sim/memory/trace_replay.h"
#include "support/memory_files.h"
#include "support/slow_build.h"

namespace spatten::sim {
namespace {

ReplayResult run(const std::string& memory_name, const std::string& trace_text, const std::vector<std::string>& overrides = {}) {
  DramSpec spec = load_dram_spec(memory_file(memory_name), overrides);
  spec.controller.returns = ReturnOrder::kOwnTags;
  const auto memory = make_dram(spec);
  DramTraceReader trace(InputStream::from_memory("trace", trace_text));
  return replay(trace, *memory);
}

struct Published {
  const char* trace;
  std::uint64_t cycles;
  double mean_latency;
  std::uint64_t row_hits, activates, refreshes;
};

struct Table {
  const char* memory;
  std::vector<Published> rows;
};

// refreshes 0: not compared (D3's count includes clocks after the end of some traces).
const Table kTables[] = {
    {"hbm2-r21",
     {{"seq_read", 10357, 20.2, 126752, 4320, 64}, {"rand32", 18674, 69.7, 13, 65523, 128}, {"rand64", 18493, 69.8, 4, 65532, 128},
      {"pruned50", 9465, 24.3, 91960, 6344, 64}, {"mix2r1w", 22693, 87.0, 22918, 75386, 160}, {"bankconflict", 863766, 843.2, 0, 16384, 7072}}},
    {"hbm2-r21-robaracoch",
     {{"seq_read", 27835, 54.3, 126848, 4224, 224}, {"rand32", 18518, 69.8, 8, 65528, 128}, {"rand64", 18508, 69.7, 6, 65530, 128},
      {"pruned50", 20263, 52.2, 92044, 6260, 160}, {"mix2r1w", 26132, 100.2, 29984, 68320, 192}, {"bankconflict", 863766, 843.2, 0, 16384, 7072}}},
    {"hbm2-r20",
     {{"seq_read", 20338, 39.6, 122880, 8192, 0}, {"rand32", 15610, 59.0, 5, 65531, 0}, {"rand64", 15607, 58.9, 2, 65534, 0},
      {"pruned50", 14220, 36.4, 86016, 12288, 0}, {"mix2r1w", 20714, 79.5, 28748, 69556, 0}, {"bankconflict", 393211, 383.8, 0, 16384, 0}}},
    {"hbm2-r20-pcbg",
     {{"seq_read", 16401, 32.0, 122880, 8192, 0}, {"rand32", 15605, 59.0, 7, 65529, 0}, {"rand64", 15575, 59.0, 4, 65532, 0},
      {"pruned50", 13039, 33.5, 86016, 12288, 0}, {"mix2r1w", 20607, 79.0, 21612, 76692, 0}, {"bankconflict", 393211, 383.8, 0, 16384, 0}}},
    {"hbm2-d3",
     {{"seq_read", 19004, 37.1, 126912, 4160, 128}, {"rand32", 19970, 73.8, 9, 65729, 160}, {"rand64", 19834, 73.8, 4, 65734, 160},
      {"pruned50", 16156, 41.4, 92104, 6210, 128}, {"mix2r1w", 22792, 86.7, 30228, 68220, 0}, {"bankconflict", 846032, 825.8, 0, 16456, 6912}}},
    {"hbm2-d3-pcbg",
     {{"seq_read", 10571, 20.6, 126848, 4224, 64}, {"rand32", 19938, 73.9, 13, 65738, 160}, {"rand64", 19945, 74.2, 4, 65752, 160},
      {"pruned50", 9321, 23.7, 91992, 6328, 64}, {"mix2r1w", 21970, 83.9, 25046, 73550, 0}, {"bankconflict", 846032, 825.8, 0, 16456, 6912}}},
};

struct Variant {
  const char *memory, *trace;
  std::vector<std::string> overrides;
  std::uint64_t cycles;
  double mean_latency;
};

// Other settings of the simulators: bursts of two clocks, no refresh, other distances of columns, no pseudo-channels.
const Variant kVariants[] = {
    {"hbm2-r20", "pruned50", {"timing.clocks.nBL=2"}, 10954, 28.1},
    {"hbm2-r20-pcbg", "seq_read", {"timing.clocks.nBL=2"}, 9385, 18.3},
    {"hbm2-r21-robaracoch", "mix2r1w", {"refresh.policy=none"}, 24008, 91.6},
    {"hbm2-d3", "rand32", {"refresh.policy=none"}, 18462, 69.1},
    {"hbm2-d3", "pruned50", {"timing.clocks.nCCDS=2", "timing.clocks.nCCDL=4"}, 20059, 51.3},
    {"hbm2-d3-pcbg", "seq_read", {"timing.clocks.nCCDS=2", "timing.clocks.nCCDL=4"}, 10574, 20.6},
    {"hbm2-legacy", "seq_read", {}, 18226, 35.5},
    {"hbm2-legacy", "mix2r1w", {}, 38260, 146.1},
};

TEST(PublishedVariants, OverridesChangeCyclesAsTheirSettingsDo) {
  for (const Variant& v : kVariants) {
    if (kSlowBuild && std::string(v.trace) != "pruned50") continue;
    SCOPED_TRACE(std::string(v.memory) + " " + v.trace);
    const ReplayResult ours = run(v.memory, dram_workload(v.trace), v.overrides);
    EXPECT_NEAR(static_cast<double>(ours.memory_cycles), static_cast<double>(v.cycles), 0.0005 * static_cast<double>(v.cycles));
    EXPECT_NEAR(ours.read_latency.mean(), v.mean_latency, 0.06);
  }
}

class PublishedTable : public testing::TestWithParam<Table> {};

TEST_P(PublishedTable, CyclesLatencyAndCommandsAreTheirs) {
  for (const Published& row : GetParam().rows) {
    const std::string name = row.trace;
    if (kSlowBuild && name != "pruned50") continue;
    SCOPED_TRACE(name);
    const ReplayResult ours = run(GetParam().memory, dram_workload(name));
    EXPECT_NEAR(static_cast<double>(ours.memory_cycles), static_cast<double>(row.cycles), 0.0005 * static_cast<double>(row.cycles));
    EXPECT_NEAR(ours.read_latency.mean(), row.mean_latency, 0.06);  // printed with one decimal
    EXPECT_EQ(ours.stats.row_hits, row.row_hits);
    EXPECT_EQ(ours.stats.activates, row.activates);
    EXPECT_TRUE(row.refreshes == 0 || ours.stats.refreshes == row.refreshes) << ours.stats.refreshes;
    EXPECT_EQ(ours.stats.row_hits + ours.stats.row_misses + ours.stats.row_conflicts, ours.stats.reads + ours.stats.writes);
  }
}

INSTANTIATE_TEST_SUITE_P(Memories, PublishedTable, testing::ValuesIn(kTables), [](const auto& p) {
  std::string name = p.param.memory;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

/// Reads of channel 0: not before, pseudo-channel, group, bank, row, column; then the clocks in which they are accepted
/// and after which their data are back.
struct Micro {
  Cycles not_before;
  bool is_write;
  std::uint32_t pseudo_channel, group, bank, row, column;
  Cycles accept, data_r21, data_d3;
};

const std::vector<std::vector<Micro>> kMicro = {
    {{50, false, 0, 0, 0, 0, 0, 50, 82, 82}, {50, false, 0, 0, 0, 0, 1, 51, 89, 84}, {50, false, 0, 0, 0, 0, 2, 52, 93, 88},
     {50, false, 0, 1, 0, 0, 0, 53, 86, 86}, {50, false, 1, 0, 0, 0, 0, 54, 88, 86}, {50, false, 0, 0, 0, 1, 0, 55, 130, 130},
     {50, false, 0, 2, 0, 5, 0, 56, 91, 92}, {50, false, 0, 3, 0, 7, 0, 57, 95, 94}, {50, false, 0, 0, 1, 2, 0, 58, 99, 112},
     {50, false, 1, 0, 0, 0, 1, 59, 92, 88}, {50, false, 0, 1, 0, 0, 1, 60, 97, 90}, {50, false, 0, 0, 0, 1, 1, 61, 134, 132}},
    {{50, false, 0, 0, 0, 0, 0, 50, 82, 82}, {200, true, 0, 0, 0, 0, 1, 200, 0, 0}, {200, true, 0, 0, 0, 0, 2, 201, 0, 0},
     {200, true, 0, 1, 0, 0, 0, 202, 0, 0}, {200, false, 0, 0, 0, 0, 3, 203, 268, 221}, {200, false, 0, 1, 0, 0, 4, 204, 247, 236},
     {200, false, 1, 0, 0, 0, 0, 205, 237, 237}, {200, false, 0, 0, 0, 9, 0, 206, 316, 254}},
    {{3800, false, 0, 0, 0, 0, 0, 3800, 3832, 3832}, {3800, false, 1, 0, 0, 0, 0, 3801, 3834, 3833}, {3893, false, 0, 0, 0, 0, 1, 3893, 3910, 3911},
     {3893, false, 0, 0, 0, 0, 2, 3894, 3914, 3913}, {3893, false, 0, 0, 0, 0, 3, 3895, 4297, 3915}, {3893, false, 0, 0, 0, 0, 4, 3896, 4301, 4208},
     {3893, false, 1, 0, 0, 0, 1, 3897, 3915, 3915}, {3893, false, 1, 0, 0, 0, 2, 3898, 4312, 4208}, {3893, false, 1, 0, 0, 0, 3, 3899, 4316, 4210},
     {3893, false, 1, 0, 0, 0, 4, 3900, 4320, 4212}, {4300, false, 0, 0, 0, 0, 9, 4300, 4317, 4318}, {4300, false, 1, 0, 0, 0, 9, 4301, 4324, 4319}},
};

/// Replays on one channel, clock by clock, and checks every read.
void check_micro(const std::vector<Micro>& trace, const std::string& memory_name, Cycles Micro::*data) {
  const auto memory = make_memory(memory_file(memory_name));
  MemoryChannel& channel = memory->channel(0);
  std::size_t next = 0, back = 0, reads = 0;
  for (const Micro& m : trace) reads += m.is_write ? 0 : 1;
  for (Cycles now = 0; back < reads && now < 10000; ++now) {
    while (const auto tag = channel.take(now)) {
      EXPECT_EQ(now, trace[*tag].*data) << "access " << *tag;
      ++back;
    }
    if (next < trace.size() && now >= trace[next].not_before) {
      const Micro& m = trace[next];
      const std::uint64_t place = m.column | m.pseudo_channel << 5 | m.group << 6 | m.bank << 8 | m.row << 10;
      ASSERT_TRUE(channel.offer({place << 5, m.is_write, static_cast<std::uint32_t>(next)}, now));
      EXPECT_EQ(now, m.accept) << "access " << next;
      ++next;
    }
    channel.tick(now);
  }
  EXPECT_EQ(back, reads);
}

TEST(MicroTraces, Ramulator21ToTheClock) {
  for (std::size_t i = 0; i < kMicro.size(); ++i) {
    SCOPED_TRACE("m" + std::to_string(i + 1));
    check_micro(kMicro[i], "hbm2-r21-robaracoch", &Micro::data_r21);
  }
}

TEST(MicroTraces, DramSim3ToTheClock) {
  for (std::size_t i = 0; i < kMicro.size(); ++i) {
    SCOPED_TRACE("m" + std::to_string(i + 1));
    check_micro(kMicro[i], "hbm2-d3", &Micro::data_d3);
  }
}

}  // namespace
}  // namespace spatten::sim

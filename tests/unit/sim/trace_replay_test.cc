// SPDX-License-Identifier: Apache-2.0
// The replay rule: limits, not-before clocks, interrupts, conservation.
#include "spatten/sim/memory/trace_replay.h"

#include <gtest/gtest.h>

#include "spatten/base/error.h"
#include "spatten/base/random.h"
#include "spatten/sim/memory/dram_workload.h"
#include "spatten/sim/memory/make_memory.h"
#include "support/error_message.h"
#include "support/memory_files.h"

namespace spatten::sim {
namespace {

ReplayResult run(const std::string& memory_name, const std::string& text, const ReplayOptions& options = {}) {
  const auto memory = make_memory(is_ideal_memory(memory_name) ? memory_name : memory_file(memory_name));
  DramTraceReader trace(InputStream::from_memory("trace", text));
  return replay(trace, *memory, options);
}

TEST(TraceReplay, IdealMemoryDeliversItsLimitPerLatency) {
  // 64 reads of channel 0, 4 at a time, 10 clocks each: accepted in clocks 0 to 3, 10 to 13, ...
  std::string text = "#! q=4 g=0\n";
  for (int i = 0; i < 64; ++i) text += fmt::format("{:#x} R\n", i * 512);
  const ReplayResult r = run("ideal:10", text);
  EXPECT_EQ(r.memory_cycles, 15u * 10 + 3 + 10);
  EXPECT_EQ(r.read_latency.quantile(0), 10u);
  EXPECT_EQ(r.read_latency.quantile(1), 10u);
  EXPECT_EQ(r.requests(), 64u);
}

TEST(TraceReplay, LimitOfAllReadsHoldsAcrossChannels) {
  std::string text = "#! q=16 g=2\n";
  for (int i = 0; i < 32; ++i) text += fmt::format("{:#x} R\n", i * 32);
  const ReplayResult r = run("ideal:10", text);
  EXPECT_EQ(r.memory_cycles, 16u * 10);  // pairs in one clock, the next pair when they are back
  const ReplayResult free = run("ideal:10", "#! q=16 g=0\n" + text.substr(text.find('\n') + 1));
  EXPECT_EQ(free.memory_cycles, 11u);  // two accesses per channel, one clock apart
}

TEST(TraceReplay, ALargeLimitOfAllReadsChangesNothingWhereOneChannelIsUsed) {
  const std::string text = dram_workload("bankconflict").substr(0, 20000);
  const std::string body = text.substr(text.find('\n') + 1, text.rfind('\n') - text.find('\n'));
  const ReplayResult each = run("hbm2-r21", "#! q=16 g=0\n" + body), all = run("hbm2-r21", "#! q=16 g=1000\n" + body);
  EXPECT_EQ(each.memory_cycles, all.memory_cycles);
  EXPECT_EQ(each.read_latency.mean(), all.read_latency.mean());
  EXPECT_EQ(each.stats.refreshes, all.stats.refreshes);
}

TEST(TraceReplay, NotBeforeClocksAreKeptAndLongGapsCostNoTime) {
  const ReplayResult r = run("hbm2-r21", "0x0 R\n@ 1000000000000\n0x20 R\n");
  EXPECT_EQ(r.memory_cycles, 1000000000000u + 32);
  EXPECT_EQ(r.read_latency.quantile(1), 32u);
  EXPECT_EQ(r.stats.refreshes, 1000000000000u / 3900 * 32);  // all channels, both pseudo-channels
}

TEST(TraceReplay, ALongGapIsTheSameAsAShortOneOfEqualPhase) {
  // The short one is stepped from refresh to refresh, the long one jumps.
  for (const char* name : {"hbm2-r21", "hbm2-d3", "ddr4-2400"}) {
    const Cycles interval = load_dram_spec(memory_file(name)).timing.clocks.nREFI;
    for (Cycles part = 0; part < 20; ++part) {
      const auto latency = [&](Cycles at) {
        return run(name, fmt::format("0x0 R\n@ {}\n0x0 R\n0x200 R\n0x40000000 R\n", at)).read_latency.mean();
      };
      const Cycles phase = part * interval / 20;
      EXPECT_EQ(latency(1000000 * interval + phase), latency(5 * interval + phase)) << name << " phase " << phase;
    }
  }
}

TEST(TraceReplay, AMemoryWithoutRefreshesIsTheSameAfterAnyGap) {
  for (const char* name : {"hbm2-r20", "hbm2-r20-pcbg"}) {
    const auto end = [&](Cycles gap) {
      const ReplayResult r = run(name, fmt::format("@ {}\n0x0 W\n0x200 W\n@ {}\n0x0 R\n", gap, 2 * gap));
      return std::make_pair(r.memory_cycles - 2 * gap, r.read_latency.mean());
    };
    EXPECT_EQ(end(100000000), end(1000)) << name;
  }
}

// Also of those that are answered from the queue of writes: two come when the first is on its way, and wait behind it.
TEST(TraceReplay, OneReadIsHandedOverPerClock) {
  const ReplayResult r = run("hbm2-r20", "#! q=16 g=0\n0x4000 R\n0x200 W\n0x400 W\n0x600 W\n@ 9\n0x200 R\n0x400 R\n0x600 R\n");
  // Handed over in clocks 19, 20, 21 and 23, in the order in which they were accepted: 0, 9, 10, 11.
  EXPECT_EQ(r.read_latency.mean() * 4, 19 + 11 + 11 + 12);
}

TEST(TraceReplay, WritesArePostedAndCounted) {
  const ReplayResult r = run("hbm2-r21", "0x0 W\n0x200 W\n0x400 R\n");
  EXPECT_EQ(r.writes, 2u);
  EXPECT_EQ(r.stats.writes, 2u);
  EXPECT_EQ(r.stats.reads, 1u);
  EXPECT_EQ(r.read_latency.count(), 1u);
}

TEST(TraceReplay, ReadsOfWaitingWritesAreAnsweredAtOnce) {
  const ReplayResult r = run("hbm2-r21", "0x0 W\n0x0 R\n");
  // The write is activated in clock 0 and no longer waits: write in clock 13, read 15 later, data 16 after that.
  EXPECT_EQ(r.read_latency.quantile(1), 13u + 15 + 16);
  const ReplayResult conflict = run("hbm2-r21", "0x0 W\n0x10000000 W\n0x10000000 R\n");
  EXPECT_EQ(conflict.read_latency.quantile(1), 1u);
  EXPECT_EQ(conflict.stats.reads, 0u);
}

// A queue that was full is offered the access again in the first clock in which it has room: as if it were in each clock.
TEST(TraceReplay, AFullQueueTakesAnAccessAsSoonAsItCan) {
  const std::vector<std::string> small = {"controller.read_queue=4", "controller.write_queue=4", "controller.writes_start=2",
                                          "controller.writes_stop=1"};
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    Random random(seed);
    std::vector<MemoryAccess> accesses(200);
    std::string text = "#! q=64 g=0\n";
    for (MemoryAccess& a : accesses) {
      a = {random.below(1u << 16) / 32 * 32, random.below(4) != 0, 0};
      text += fmt::format("{:#x} {}\n", a.address / 32 * 512, a.is_write ? 'W' : 'R');  // all in channel 0
    }
    const auto memory = make_memory(memory_file("hbm2-r21-robaracoch"), small);
    DramTraceReader trace(InputStream::from_memory("trace", text));
    const ReplayResult replayed = replay(trace, *memory);

    const auto each = make_memory(memory_file("hbm2-r21-robaracoch"), small);
    MemoryChannel& channel = each->channel(0);
    LatencyHistogram latency;
    std::size_t accepted = 0;
    Cycles now = 0;
    for (; accepted < accesses.size() || channel.unfinished() > 0; ++now) {
      while (const auto tag = channel.take(now)) latency.add(now - *tag);
      if (accepted < accesses.size()) {
        accesses[accepted].tag = static_cast<std::uint32_t>(now);
        accepted += channel.offer(accesses[accepted], now) ? 1 : 0;
      }
      channel.tick(now);
    }
    while (const auto tag = channel.take(now)) latency.add(now - *tag);
    EXPECT_EQ(replayed.memory_cycles, channel.data_end()) << "seed " << seed;
    EXPECT_EQ(replayed.stats.activates, channel.stats().activates) << "seed " << seed;
    EXPECT_EQ(replayed.read_latency.count(), latency.count());
    EXPECT_EQ(replayed.read_latency.mean(), latency.mean()) << "seed " << seed;
  }
}

TEST(TraceReplay, InterruptGivesWhatThereIs) {
  std::atomic<bool> cancelled = false;
  ReplayOptions options;
  options.cancelled = &cancelled;
  options.progress = [&](std::uint64_t requests) { cancelled = requests > 0; };
  const ReplayResult r = run("hbm2-r21", dram_workload("seq_read"), options);
  EXPECT_TRUE(r.partial);
  EXPECT_GT(r.requests(), 0u);
  EXPECT_LT(r.requests(), 131072u);
  EXPECT_GT(r.memory_cycles, 0u);
}

TEST(TraceReplay, TraceWithoutAccessesIsRefused) {
  EXPECT_NE(error_message([] { run("hbm2-r21", "# nothing\n"); }), "");
}

TEST(LatencyHistogram, QuantilesAreValuesThatOccurred) {
  LatencyHistogram h;
  EXPECT_EQ(h.quantile(0.5), 0u);
  for (std::uint64_t v = 1; v <= 100; ++v) h.add(v);
  h.add(1000000);
  EXPECT_EQ(h.quantile(0), 1u);
  EXPECT_EQ(h.quantile(0.5), 51u);
  EXPECT_EQ(h.quantile(0.99), 100u);
  EXPECT_EQ(h.quantile(1), 1000000u);
  EXPECT_DOUBLE_EQ(h.mean(), (5050 + 1000000) / 101.0);
}

}  // namespace
}  // namespace spatten::sim

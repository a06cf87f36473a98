// SPDX-License-Identifier: Apache-2.0
// Every memory keeps the contract of sim/memory/memory.h: each read comes back once, after it was accepted; skipping
// the clocks that next_event() allows changes nothing, nor do send() and receive(); what was counted adds up.
#include <gtest/gtest.h>

#include <cctype>
#include <map>

#include "spatten/base/random.h"
#include "spatten/sim/memory/make_memory.h"
#include "support/memory_files.h"

namespace spatten::sim {
namespace {

struct Arrival {
  Cycles clock;
  std::uint32_t tag;
  bool operator==(const Arrival&) const = default;
};

/// Traffic of one channel: in each clock perhaps an access, in bursts and pauses.
struct Traffic {
  std::uint64_t seed;
  double rate, writes;      // per clock, share
  std::uint64_t footprint;  // accesses
  std::uint32_t limit;      // reads under way
};

struct Outcome {
  std::vector<Arrival> arrivals;
  std::vector<Cycles> accepted;  // by tag
  MemoryStats stats;
  Cycles data_end = 0;
  std::uint32_t unfinished = 0;
  std::uint64_t writes = 0, ticks = 0;
};

constexpr Cycles kOffers = 20000, kEnd = 40000;

/// Offers in the same clocks whether it skips or not: an access waits until it is accepted.
Outcome drive(Memory& memory, const Traffic& traffic, bool skip) {
  MemoryChannel& channel = memory.channel(0);
  Random random(traffic.seed);
  Outcome run;
  std::optional<MemoryAccess> waiting;
  std::uint32_t in_flight = 0, tag = 0;
  bool quiet = false;
  for (Cycles now = 0; now < kEnd; ++now) {
    if (now % 1000 == 0) quiet = random.below(4) == 0;
    if (!waiting && now < kOffers && !quiet && random.uniform() < traffic.rate) {
      const std::uint64_t line = random.below(8) == 0 ? random.below(traffic.footprint) : tag % traffic.footprint;
      waiting = MemoryAccess{line * memory.access_bytes(), random.uniform() < traffic.writes, tag};
    }
    const bool offers = waiting && (waiting->is_write || in_flight < traffic.limit);
    if (skip && !offers && now < channel.next_event()) continue;
    if (offers && channel.offer(*waiting, now)) {
      if (waiting->is_write) {
        ++run.writes;
      } else {
        run.accepted.resize(tag + 1, kNever);
        run.accepted[tag] = now;
        ++in_flight;
      }
      ++tag;
      waiting.reset();
    }
    while (const auto back = channel.take(now)) {
      run.arrivals.push_back({now, *back});
      --in_flight;
    }
    channel.tick(now);
    ++run.ticks;
  }
  channel.tick(kEnd);
  run.stats = channel.stats();
  run.data_end = channel.data_end();
  run.unfinished = channel.unfinished();
  return run;
}

/// As the chip does: at most one answer per clock, and not in every clock. Either by send() and receive(), or by the
/// four calls that they stand for.
Outcome drive_one_by_one(Memory& memory, const Traffic& traffic, bool lag) {
  MemoryChannel& channel = memory.channel(0);
  Random random(traffic.seed);
  Outcome run;
  std::optional<MemoryAccess> waiting;
  std::uint32_t in_flight = 0, tag = 0;
  Cycles next = 0;
  for (Cycles now = 0; now < kEnd; ++now) {
    if (!waiting && now < kOffers && random.uniform() < traffic.rate) {
      waiting = MemoryAccess{random.below(traffic.footprint) * memory.access_bytes(), random.uniform() < traffic.writes, tag};
    }
    const bool offers = waiting && (waiting->is_write || in_flight < traffic.limit), wanted = now % 7 != 0;
    if (lag && !offers && now < next) continue;
    ++run.ticks;
    bool accepted = false;
    std::optional<std::uint32_t> back;
    if (lag) {
      const bool due = next <= now;
      if (offers) {
        const ChannelSent sent = channel.send(*waiting, now);
        accepted = sent.accepted;
        next = sent.next;
      }
      if (due) {
        const ChannelReceived received = channel.receive(wanted, now);
        if (received.answered) back = received.tag;
        next = received.next;
      }
    } else {
      accepted = offers && channel.offer(*waiting, now);
      if (wanted) back = channel.take(now);
      channel.tick(now);
    }
    if (back) run.arrivals.push_back({now, *back});
    in_flight -= back ? 1 : 0;
    if (!accepted) continue;
    in_flight += waiting->is_write ? 0 : 1;
    run.accepted.push_back(now);
    ++tag;
    waiting.reset();
  }
  run.data_end = channel.data_end();
  run.unfinished = channel.unfinished();
  return run;
}

void expect_equal(const Outcome& found, const Outcome& expected) {
  EXPECT_EQ(found.arrivals, expected.arrivals);
  EXPECT_EQ(found.accepted, expected.accepted);
  EXPECT_EQ(found.data_end, expected.data_end);
  EXPECT_EQ(found.unfinished, expected.unfinished);
  MemoryStats::each(expected.stats, [&](const char* key, std::uint64_t value, const char*, const char*) {
    MemoryStats::each(found.stats, [&](const char* other, std::uint64_t also, const char*, const char*) {
      EXPECT_TRUE(std::string(key) != other || also == value) << key << ": " << also << " against " << value;
    });
  });
}

const Traffic kTraffic[] = {{1, 0.9, 0.0, 100000, 16}, {2, 0.9, 0.4, 100000, 16},  {3, 0.2, 0.1, 1 << 20, 4},
                            {4, 1.0, 0.6, 64, 64},     {5, 0.02, 0.3, 1 << 16, 2}, {6, 1.0, 0.0, 1 << 22, 64}};

std::unique_ptr<Memory> make(const std::string& name) {
  return make_memory(is_ideal_memory(name) ? name : memory_file(name));
}

std::vector<std::string> every_memory() {
  std::vector<std::string> names = memory_names();
  names.insert(names.end(), {"ideal:1", "ideal:30:64"});
  return names;
}

class MemoryContract : public testing::TestWithParam<std::string> {};

TEST_P(MemoryContract, SkippingClocksChangesNothing) {
  for (const Traffic& traffic : kTraffic) {
    SCOPED_TRACE(traffic.seed);
    const auto every = make(GetParam()), some = make(GetParam());
    const Outcome ticked = drive(*every, traffic, false), skipped = drive(*some, traffic, true);
    EXPECT_LT(skipped.ticks, ticked.ticks);
    expect_equal(skipped, ticked);
  }
}

TEST_P(MemoryContract, SendAndReceiveStandForTheFourCalls) {
  for (const Traffic& traffic : kTraffic) {
    SCOPED_TRACE(traffic.seed);
    const auto two = make(GetParam()), four = make(GetParam());
    Outcome found = drive_one_by_one(*two, traffic, true), expected = drive_one_by_one(*four, traffic, false);
    EXPECT_LT(found.ticks, expected.ticks);
    two->channel(0).tick(kEnd);  // the refreshes of an idle channel
    found.stats = two->channel(0).stats();
    four->channel(0).tick(kEnd);
    expected.stats = four->channel(0).stats();
    expect_equal(found, expected);
  }
}

TEST_P(MemoryContract, EachReadComesBackOnceAndAfterItWasAccepted) {
  const bool own_tags = GetParam().find("r20") == std::string::npos;
  for (const Traffic& traffic : kTraffic) {
    SCOPED_TRACE(traffic.seed);
    const auto memory = make(GetParam());
    const Outcome run = drive(*memory, traffic, true);
    std::map<std::uint32_t, int> times;
    for (const Arrival& a : run.arrivals) {
      ++times[a.tag];
      ASSERT_LT(a.tag, run.accepted.size());
      EXPECT_TRUE(!own_tags || a.clock > run.accepted[a.tag]);
    }
    std::size_t reads = 0;
    for (const Cycles clock : run.accepted) reads += clock == kNever ? 0 : 1;
    EXPECT_EQ(times.size(), reads);
    for (const auto& [tag, count] : times) EXPECT_EQ(count, 1) << tag;
  }
}

TEST_P(MemoryContract, CountsAddUp) {
  for (const Traffic& traffic : kTraffic) {
    SCOPED_TRACE(traffic.seed);
    const auto memory = make(GetParam());
    const Outcome run = drive(*memory, traffic, true);
    const MemoryStats& s = run.stats;
    EXPECT_LE(s.reads, run.arrivals.size());  // the rest was answered from the queues
    EXPECT_LE(s.writes + run.unfinished, run.writes);
    EXPECT_LE(s.busy_cycles, kEnd + 1);
    EXPECT_GT(s.busy_cycles, 0u);
    if (is_ideal_memory(GetParam())) continue;
    EXPECT_GT(s.activates, 0u);
    EXPECT_LE(s.precharges, s.activates + s.refreshes);
    const std::uint64_t counted = s.row_hits + s.row_misses + s.row_conflicts;
    EXPECT_GE(counted, s.reads + s.writes);
    EXPECT_LE(counted, s.reads + s.writes + run.unfinished);
    EXPECT_LE(static_cast<double>(s.reads + s.writes) * memory->access_bytes(),
              static_cast<double>(kEnd) * memory->peak_bytes_per_clock() / memory->channels());
  }
}

TEST_P(MemoryContract, AnIdleChannelHasNothingToDo) {
  const auto memory = make(GetParam());
  EXPECT_EQ(memory->channel(0).next_event(), kNever);
  EXPECT_EQ(memory->channel(0).unfinished(), 0u);
  EXPECT_FALSE(memory->channel(0).take(0));
  memory->channel(0).tick(0);
  EXPECT_EQ(memory->channel(0).next_event(), kNever);
  EXPECT_EQ(memory->channel(0).data_end(), 0u);
}

TEST_P(MemoryContract, UntakenDataWait) {
  const auto memory = make(GetParam());
  MemoryChannel& channel = memory->channel(0);
  ASSERT_TRUE(channel.offer({0, false, 7}, 5));
  channel.tick(5);
  while (channel.unfinished() > 0) channel.tick(channel.next_event());
  const Cycles there = channel.next_event();
  channel.tick(there + 100);
  EXPECT_EQ(channel.next_event(), there + 101);
  EXPECT_EQ(channel.take(there + 101), 7u);
  EXPECT_FALSE(channel.take(there + 101));
}

INSTANTIATE_TEST_SUITE_P(Memories, MemoryContract, testing::ValuesIn(every_memory()), [](const auto& p) {
  std::string name = p.param;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

TEST(IdealMemory, DataComeBackAfterItsLatency) {
  const auto memory = make_memory("ideal:30");
  MemoryChannel& channel = memory->channel(3);
  ASSERT_TRUE(channel.offer({64, false, 1}, 10));
  channel.tick(10);
  ASSERT_TRUE(channel.offer({0, false, 2}, 11));
  channel.tick(11);
  EXPECT_EQ(channel.next_event(), 40u);
  EXPECT_FALSE(channel.take(39));
  EXPECT_EQ(channel.take(40), 1u);
  EXPECT_FALSE(channel.take(40));
  EXPECT_EQ(channel.take(41), 2u);
}

TEST(RequestOrder, KthDataCarryTheTagOfTheKthRead) {
  // A row conflict, then a hit in the other pseudo-channel that overtakes it: the tags stay in order all the same.
  const auto memory = make_memory(memory_file("hbm2-r20"));
  MemoryChannel& channel = memory->channel(0);
  Cycles now = 0;
  std::vector<std::uint32_t> tags;
  const std::uint64_t row = 32 * 16 * 2 * 4 * 4;
  const std::uint64_t addresses[] = {0, 32 * 16, row, 32 * 17};
  for (std::uint32_t tag = 0; tag < 4; ++tag, ++now) {
    ASSERT_TRUE(channel.offer({addresses[tag], false, tag}, now));
    channel.tick(now);
  }
  for (; now < 200; ++now) {
    while (const auto tag = channel.take(now)) tags.push_back(*tag);
    channel.tick(now);
  }
  EXPECT_EQ(tags, (std::vector<std::uint32_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// From ids to lines: fetcher, crossbars, memory, bitwidth converter.
#include <gtest/gtest.h>

#include "spatten/sim/memory/make_memory.h"
#include "spatten/sim/units/bitwidth_converter.h"
#include "spatten/sim/units/crossbar.h"
#include "spatten/sim/units/memory_unit.h"
#include "spatten/sim/units/qkv_fetcher.h"
#include "support/unit_bench.h"

namespace spatten::sim {
namespace {

/// Four lanes and two channels, as in the published RTL at an eighth of its size.
struct PathBench {
  explicit PathBench(const std::string& memory_text, Arbitration arbitration = Arbitration::kLowestFirst)
      : memory(make_memory(memory_text, {"channels=2"})),
        fetcher({4, 16, 64, 64}, 32),
        addresses(CrossbarSpec{arbitration}, 4, 2, 32, memory->capacity_bytes()),
        door(*memory),
        data(4, 2) {
    connect(keys.out, fetcher.key_lines);
    connect(values.out, fetcher.value_lines);
    connect(fetcher.accesses, addresses.in);
    connect(addresses.out, door.in);
    connect(door.out, data.in);
    connect(data.out, fetcher.data);
    connect(fetcher.sets, sets.in);
    row.group = &row;
  }
  /// One line of ids per cycle from `at` on; ids 0, 1, 2, ...
  void fetch(Cycles at, Stream stream, std::uint32_t vectors, std::uint32_t accesses) {
    MatrixSlice& matrix = stream == Stream::kValue ? row.value : row.key;
    matrix = {stream == Stream::kValue ? 0x100000u : 0u, vectors, accesses * 32, accesses, nullptr};
    Feeder<FetchLine>& feeder = stream == Stream::kValue ? values : keys;
    for (std::uint32_t first = 0; first < vectors; first += 4) {
      const std::uint32_t count = std::min(4u, vectors - first);
      feeder.feed(at + first / 4, {&row, stream, first, count, first + count == vectors});
    }
  }
  void run(std::size_t count, std::uint64_t shuffle = 0) {
    run_units(
        {&keys, &values, &fetcher, &addresses, &door, &data, &sets}, [&] { return sets.items.size() == count; },
        shuffle);
  }
  std::uint64_t counter(const Unit& unit, const std::string& name) const {
    for (const auto& [key, value] : unit.counters()) {
      if (key == name) return value;
    }
    return ~std::uint64_t{0};
  }
  Row row;
  std::unique_ptr<Memory> memory;
  Feeder<FetchLine> keys, values;
  QkvFetcher fetcher;
  AddressCrossbar addresses;
  MemoryUnit door;
  DataCrossbar data;
  Drain<LaneSet> sets;
};

TEST(MemoryPath, OneLineComesBackAfterTheRegistersAndTheMemory) {
  // Two cycles in front of the fetcher, two in it, two in the address FIFO; crossbar, memory, crossbar: one each, two
  // for two lanes on one channel; one register to the converter.
  PathBench bench("ideal:1");
  bench.fetch(0, Stream::kKey, 4, 1);
  bench.run(1);
  const Cycles fast = bench.sets.at.front();
  PathBench slow("ideal:30");
  slow.fetch(0, Stream::kKey, 4, 1);
  slow.run(1);
  EXPECT_EQ(slow.sets.at.front(), fast + 29);
  EXPECT_EQ(fast, 13u);
}

TEST(MemoryPath, AVectorOfTwoAccessesTakesTwoSets) {
  PathBench bench("ideal:1");
  bench.fetch(0, Stream::kKey, 8, 2);
  bench.run(4);
  EXPECT_EQ(bench.counter(bench.fetcher, "accesses"), 16u);
  EXPECT_EQ(bench.counter(bench.fetcher, "line_requests"), 2u);
  EXPECT_TRUE(bench.sets.items.back().last);
  EXPECT_FALSE(bench.sets.items.front().last);
}

TEST(MemoryPath, LanesPastTheEndSendNothing) {
  PathBench bench("ideal:1");
  bench.fetch(0, Stream::kKey, 5, 1);
  bench.run(2);
  EXPECT_EQ(bench.sets.items[1].accesses, 1u);
  EXPECT_EQ(bench.counter(bench.fetcher, "dummy_accesses"), 3u);
  EXPECT_EQ(bench.memory->stats().reads, 5u);
}

TEST(MemoryPath, ChannelsGiveOneAnswerEachPerCycle) {
  PathBench bench("ideal:1");
  bench.fetch(0, Stream::kKey, 400, 1);
  bench.run(100);
  EXPECT_GE(bench.sets.at.back(), 400u / 2 + 8) << "400 accesses of 2 channels";
  EXPECT_LE(bench.sets.at.back(), 400u / 2 + 16);
}

TEST(MemoryPath, NoMoreReadsAreUnderWayThanTheMemoryAllows) {
  // 16 under way and 31 cycles from one acceptance to the next in its place: 16 answers per 31 cycles and channel.
  PathBench bench("ideal:30:16");
  bench.fetch(0, Stream::kKey, 800, 1);
  bench.run(200);
  EXPECT_GE(bench.sets.at.back(), 400u / 16 * 31);
  EXPECT_LE(bench.sets.at.back(), 400u / 16 * 31 + 30);
}

TEST(MemoryPath, ARequestIsServedToItsEndBeforeTheOther) {
  PathBench bench("ideal:1");
  bench.fetch(0, Stream::kKey, 40, 1);
  bench.fetch(2, Stream::kValue, 40, 1);
  bench.run(20);
  for (std::size_t i = 0; i < 20; ++i) EXPECT_EQ(bench.sets.items[i].stream, i < 10 ? Stream::kKey : Stream::kValue);
}

TEST(MemoryPath, EachArbitrationServesEveryLane) {
  for (const auto arbitration : {Arbitration::kLowestFirst, Arbitration::kRoundRobin, Arbitration::kOldestFirst}) {
    PathBench bench("ideal:5", arbitration);
    bench.fetch(0, Stream::kKey, 200, 2);
    bench.run(100);
    EXPECT_EQ(bench.counter(bench.addresses, "transfers"), 400u);
    EXPECT_EQ(bench.counter(bench.data, "transfers"), 400u);
  }
}

TEST(MemoryPath, TheOldestSetOvertakesLowLanes) {
  // Lines of ids that all lie in one of the two channels, in turn: low lanes are soon ahead and come back to the channel
  // for which high ones of older sets still wait.
  std::vector<std::uint32_t> ids;
  for (std::uint32_t line = 0; line < 40; ++line) {
    for (std::uint32_t lane = 0; lane < 4; ++lane) ids.push_back(8 * line + 2 * lane + line % 2);
  }
  const auto answered = [&](Arbitration arbitration) {
    PathBench bench("ideal:5", arbitration);
    bench.fetch(0, Stream::kKey, 160, 1);
    bench.row.key.ids = ids.data();
    bench.run(40);
    return bench.sets.at;
  };
  const std::vector<Cycles> oldest = answered(Arbitration::kOldestFirst), lowest = answered(Arbitration::kLowestFirst);
  std::size_t sooner = 0;
  for (std::size_t i = 0; i < oldest.size(); ++i) {
    EXPECT_LE(oldest[i], lowest[i]) << "set " << i;
    sooner += oldest[i] < lowest[i];
  }
  EXPECT_GT(sooner, 20u);
}

TEST(MemoryPath, OrderOfUnitsChangesNothing) {
  std::vector<Cycles> at;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    PathBench bench("ideal:30:4");
    bench.fetch(0, Stream::kKey, 200, 2);
    bench.fetch(30, Stream::kValue, 80, 2);
    bench.run(140, seed);
    if (seed == 0) at = bench.sets.at;
    EXPECT_EQ(bench.sets.at, at) << seed;
  }
}

struct ConverterBench {
  explicit ConverterBench(Row& r) : converter({4, 1, 64}), row(r) {
    connect(sets.out, converter.in);
    connect(converter.key, writes.in);
    row.group = &row;
  }
  void run(std::uint32_t count, std::size_t expected) {
    for (std::uint32_t i = 0; i < count; ++i) sets.feed(i, {&row, Stream::kKey, 4, i + 1 == count});
    run_units({&sets, &converter, &writes}, [&] { return writes.items.size() == expected; });
  }
  Feeder<LaneSet> sets;
  BitwidthConverter converter;
  Drain<SramWrite> writes;
  Row& row;
};

TEST(BitwidthConverter, CutsFourEightAndSixBitsIntoTwoLinesPerCycle) {
  for (const auto& [accesses, fused, sets, writes] :
       {std::tuple{1u, 1u, 4u, 8u}, std::tuple{2u, 1u, 4u, 4u}, std::tuple{3u, 2u, 6u, 8u}}) {
    Row row;
    row.fused = fused;
    row.key = {0, 0, accesses * 32, accesses, nullptr};
    ConverterBench bench(row);
    bench.run(sets, writes);
    EXPECT_TRUE(bench.writes.items.back().last);
    for (const SramWrite& w : bench.writes.items) EXPECT_EQ(w.lines, fused == 2 ? 1u : 2u);
  }
}

TEST(BitwidthConverter, AVectorThatCrossesASetWaitsForTheNextSet) {
  Row row;
  row.key = {0, 0, 96, 3, nullptr};  // 12 bits: 3 accesses per vector, 2 vectors per step
  ConverterBench bench(row);
  bench.run(3, 2);
  EXPECT_EQ(bench.writes.at.front(), 4u) << "six accesses are two sets: in at 1 and 2, out at 3";
  EXPECT_EQ(bench.writes.at.back(), 6u) << "eight accesses fill the buffer, so the third set comes a cycle later";
}

}  // namespace
}  // namespace spatten::sim

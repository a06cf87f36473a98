// SPDX-License-Identifier: Apache-2.0
// The K and V SRAM: latencies, reads that are asked for again, low bits, interleaved heads, the queue of reads.
#include "spatten/sim/units/sram.h"

#include <gtest/gtest.h>

#include "support/unit_bench.h"

namespace spatten::sim {
namespace {

struct SramBench {
  SramBench(Sram::Role role, Sram::Spec spec, std::uint32_t keys, std::uint32_t fused = 1) : sram(role, spec, 8) {
    connect(writes.out, sram.write);
    connect(reads.out, sram.read);
    connect(sram.out, lines.in);
    for (Row* row : {&first, &second}) {
      row->keys = row->values = keys;
      row->group = &first;
      row->fused = fused;
    }
    second.part = 1;
    second.last_part = fused == 2;
    first.next_in_group = &second;
  }
  /// Pairs of lines of `row`, one pair per cycle from `at` on.
  void write(Cycles at, Row& row, Stream stream, std::uint32_t writes_count, std::uint32_t lines_each) {
    for (std::uint32_t i = 0; i < writes_count; ++i)
      writes.feed(at + i, {&row, stream, lines_each, i + 1 == writes_count});
  }
  void run(std::size_t count, std::uint64_t shuffle = 0) {
    run_units(
        {&writes, &reads, &sram, &lines}, [&] { return lines.items.size() == count; }, shuffle);
  }
  Row first, second;
  Feeder<SramWrite> writes;
  Feeder<Row*> reads;
  Sram sram;
  Drain<Line> lines;
};

const Sram::Spec kRtl{256, 16, 4, 5, 5, 16};
// The drain's port stands for the five cycles from a read to the multipliers: one of them.
constexpr Cycles kOut = 1;

TEST(Sram, ReadsALineFourCyclesAfterTheRequest) {
  SramBench bench(Sram::Role::kKey, kRtl, 16);
  bench.write(0, bench.first, Stream::kKey, 1, 2);
  bench.reads.feed(20, &bench.first);
  bench.run(2);
  EXPECT_EQ(bench.lines.at, (std::vector<Cycles>{24 + kOut, 25 + kOut}));
  EXPECT_TRUE(bench.lines.items[0].first);
  EXPECT_TRUE(bench.lines.items[1].last);
}

TEST(Sram, ALineThatIsNotThereIsAskedForAgainEveryFiveCycles) {
  // Written from cycle 12 on: pushed at 7, two registers to the port, three to the cells. First asked for at 4, then
  // 9, 14.
  SramBench bench(Sram::Role::kKey, kRtl, 16);
  bench.write(7, bench.first, Stream::kKey, 1, 2);
  bench.reads.feed(0, &bench.first);
  bench.run(2);
  EXPECT_EQ(bench.lines.at, (std::vector<Cycles>{14 + kOut, 15 + kOut}));
  EXPECT_EQ(bench.sram.counters()[3], (std::pair<std::string, std::uint64_t>("retries", 2)));
}

TEST(Sram, WithoutPollingALineIsReadAsSoonAsItIsThere) {
  Sram::Spec spec = kRtl;
  spec.retry_cycles = 1;
  SramBench bench(Sram::Role::kKey, spec, 16);
  bench.write(7, bench.first, Stream::kKey, 1, 2);
  bench.reads.feed(0, &bench.first);
  bench.run(2);
  EXPECT_EQ(bench.lines.at, (std::vector<Cycles>{12 + kOut, 13 + kOut}));
}

TEST(Sram, TheLastLineOfARowHoldsWhatIsLeft) {
  SramBench bench(Sram::Role::kKey, kRtl, 11);
  bench.write(0, bench.first, Stream::kKey, 1, 2);
  bench.reads.feed(20, &bench.first);
  bench.run(2);
  EXPECT_EQ(bench.lines.items[0].elements, 8u);
  EXPECT_EQ(bench.lines.items[1].elements, 3u);
}

TEST(Sram, ASecondPassWaitsForTheLowBits) {
  SramBench bench(Sram::Role::kKey, kRtl, 8);
  bench.first.second_pass = true;
  bench.write(0, bench.first, Stream::kKey, 1, 1);
  bench.write(30, bench.first, Stream::kKeyLsb, 1, 1);
  bench.reads.feed(10, &bench.first);
  bench.run(1);
  EXPECT_EQ(bench.lines.at.front(), 39 + kOut);  // there from 35 on; asked for at 14, 19, ..., 34, 39
}

TEST(Sram, AnEndOfValuesIsToldWhenTheLastLineIsOnItsWay) {
  SramBench bench(Sram::Role::kValue, kRtl, 32);
  Drain<Row*> ended;
  connect(bench.sram.written, ended.in);
  bench.write(10, bench.first, Stream::kValue, 2, 2);
  bench.reads.feed(0, &bench.first);
  run_units({&bench.writes, &bench.reads, &bench.sram, &bench.lines, &ended},
            [&] { return bench.lines.items.size() == 4; });
  EXPECT_EQ(ended.at, (std::vector<Cycles>{14}));  // pushed at 11, at the port at 13
}

// Lines of both heads have the same number and so the same bank: the port that waits falls one line behind, its two
// registers fill, and the next pair of lines stands still for a cycle.
TEST(Sram, InterleavedHeadsLoseACycleNowAndThen) {
  SramBench alone(Sram::Role::kKey, kRtl, 64), interleaved(Sram::Role::kKey, kRtl, 64, 2);
  alone.write(0, alone.first, Stream::kKey, 8, 1);
  interleaved.write(0, interleaved.first, Stream::kKey, 8, 1);
  for (SramBench* bench : {&alone, &interleaved}) {
    bench->reads.feed(40, &bench->first);
    bench->run(8);
  }
  EXPECT_EQ(alone.writes.pushed.back(), 7u);
  EXPECT_GT(interleaved.writes.pushed.back(), 7u);
  EXPECT_LT(interleaved.writes.pushed.back(), 12u);
}

TEST(Sram, EachOfTwoInterleavedHeadsHasItsOwnLines) {
  SramBench bench(Sram::Role::kKey, kRtl, 16, 2);
  bench.write(0, bench.first, Stream::kKey, 2, 1);
  bench.reads.feed(20, &bench.first);
  bench.reads.feed(21, &bench.second);
  bench.run(4);
  EXPECT_EQ(bench.lines.items[1].row, &bench.first);
  EXPECT_EQ(bench.lines.items[2].row, &bench.second);
  EXPECT_EQ(bench.sram.counters()[0], (std::pair<std::string, std::uint64_t>("lines_written", 4)));
}

TEST(Sram, ALongRequestStaysAtThePortUntilItsReadsFitIntoTheQueue) {
  SramBench bench(Sram::Role::kValue, kRtl, 20 * 8);
  bench.write(100, bench.first, Stream::kValue, 10, 2);
  bench.reads.feed(0, &bench.first);
  bench.reads.feed(1, &bench.second);
  Sram::Spec free_spec = kRtl;
  free_spec.read_ahead = 0;
  SramBench unlimited(Sram::Role::kValue, free_spec, 20 * 8);
  unlimited.write(100, unlimited.first, Stream::kValue, 10, 2);
  unlimited.reads.feed(0, &unlimited.first);
  unlimited.reads.feed(1, &unlimited.second);
  bench.run(40);
  unlimited.run(40);
  EXPECT_EQ(unlimited.reads.pushed[1], 1u);
  EXPECT_GT(bench.reads.pushed[1], 100u) << "16 reads wait, so four lines must have been read";
  EXPECT_EQ(bench.lines.at, unlimited.lines.at);
}

TEST(Sram, OrderOfUnitsChangesNothing) {
  std::vector<Cycles> at;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    SramBench bench(Sram::Role::kKey, kRtl, 64, 2);
    bench.write(3, bench.first, Stream::kKey, 8, 1);
    bench.reads.feed(0, &bench.first);
    bench.reads.feed(1, &bench.second);
    bench.run(16, seed);
    if (seed == 0) at = bench.lines.at;
    EXPECT_EQ(bench.lines.at, at);
  }
}

}  // namespace
}  // namespace spatten::sim

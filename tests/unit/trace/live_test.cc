// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "spatten/base/error.h"
#include "spatten/trace/live.h"
#include "support/random_trace.h"

namespace spatten::trace {
namespace {

TEST(LiveQueue, NeverHoldsMoreThanItsCapacity) {
  LiveQueue queue(3);
  std::atomic<std::uint32_t> written{0};
  std::thread writer([&] {
    queue.begin(Header());
    for (std::uint32_t i = 0; i < 50; ++i) {
      Record record;
      record.step = i;
      queue.write(record);
      written = i + 1;
    }
    queue.end();
  });
  Record record;
  for (std::uint32_t taken = 0; queue.next(record); ++taken) {
    EXPECT_EQ(record.step, taken);
    EXPECT_LE(written, taken + 1 + 3);  // what we took and what the queue may hold
  }
  writer.join();
  EXPECT_EQ(written, 50u);
}

TEST(LiveQueue, SaysTheEndAgainAndAgain) {
  LiveQueue queue(1);
  queue.begin(Header());
  queue.end();
  Record record;
  EXPECT_FALSE(queue.next(record));
  EXPECT_FALSE(queue.next(record));
}

TEST(LiveQueue, CancelWakesAWriterThatWaitsForRoom) {
  LiveQueue queue(1);
  queue.begin(Header());
  queue.write(Record());
  std::thread writer([&] { EXPECT_THROW(queue.write(Record()), Cancelled); });
  queue.cancel();
  writer.join();
  EXPECT_THROW(queue.end(), Cancelled);
}

TEST(LiveQueue, CancelWakesAReaderThatWaitsForARecordOrTheHeader) {
  LiveQueue queue(1);
  std::thread reader([&] { EXPECT_THROW(queue.header(), Cancelled); });
  queue.cancel();
  reader.join();
  Record record;
  EXPECT_THROW(queue.next(record), Cancelled);
}

TEST(LiveQueue, RefusesARecordBeforeBeginAndAfterEnd) {
  LiveQueue queue(2);
  EXPECT_THROW(queue.write(Record()), Bug);
  queue.begin(Header());
  queue.end();
  EXPECT_THROW(queue.write(Record()), Bug);
  EXPECT_THROW(LiveQueue(0), Bug);
}

}  // namespace
}  // namespace spatten::trace

// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/running_count.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "spatten/base/thread_pool.h"

namespace spatten {
namespace {

TEST(RunningCount, OnlyGrowsWhicheverThreadCounts) {
  std::vector<std::uint64_t> told;
  const std::function<void(std::uint64_t)> tell = [&](std::uint64_t count) { told.push_back(count); };
  RunningCount count(tell);
  count.inside(3);
  count.done(2);  // of another piece, smaller than what was told
  count.inside(1);
  count.done(5);
  EXPECT_EQ(told, (std::vector<std::uint64_t>{3, 7}));
  ThreadPool pool(3);
  pool.parallel_for(100, [&](std::size_t, std::size_t) { count.done(1); });
  EXPECT_TRUE(std::is_sorted(told.begin(), told.end()));
  EXPECT_EQ(told.back(), 107u);
}

}  // namespace
}  // namespace spatten

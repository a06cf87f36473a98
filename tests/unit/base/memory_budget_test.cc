// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/memory_budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error_message.h"
#include "support/temp_folder.h"

namespace spatten {
namespace {

/// A kernel made of files.
class FakeKernel : public ::testing::Test {
 protected:
  std::optional<MemoryBudget> budget() const { return memory_budget({folder.path("proc"), folder.path("cgroup")}); }
  TempFolder folder;
};

TEST_F(FakeKernel, NothingIsKnownWithoutFiles) { EXPECT_FALSE(budget()); }

TEST_F(FakeKernel, TheMachineGivesAvailableMemoryAndFreeSwap) {
  folder.write("proc/meminfo", "MemTotal:       9000 kB\nMemAvailable:   1000 kB\nSwapFree:  24 kB\n");
  ASSERT_TRUE(budget());
  EXPECT_EQ(budget()->bytes, 1024u * 1024);
}

TEST_F(FakeKernel, TheTightestGroupOfAllParentsCountsAndPageCacheIsFree) {
  folder.write("proc/meminfo", "MemAvailable: 1000000 kB\n");
  folder.write("proc/self/cgroup", "0::/outer/inner\n");
  folder.write("cgroup/outer/inner/memory.max", "max\n");
  folder.write("cgroup/outer/inner/memory.current", "500\n");
  folder.write("cgroup/outer/memory.max", "100000\n");
  folder.write("cgroup/outer/memory.current", "70000\n");
  EXPECT_EQ(budget()->bytes, 30'000u);
  folder.write("cgroup/outer/memory.stat", "anon 1\nactive_file 20000\ninactive_file 5000\n");
  EXPECT_EQ(budget()->bytes, 55'000u);
  EXPECT_EQ(budget()->source, "control group " + folder.path("cgroup") + "/outer");
}

TEST_F(FakeKernel, GroupsOfTheFirstVersionAreRead) {
  folder.write("proc/self/cgroup", "4:cpu,cpuacct:/a\n3:memory:/a\n");
  folder.write("cgroup/memory/a/memory.limit_in_bytes", "4096\n");
  folder.write("cgroup/memory/a/memory.usage_in_bytes", "5000\n");
  folder.write("cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");  // no limit
  folder.write("cgroup/memory/memory.usage_in_bytes", "1\n");
  EXPECT_EQ(budget()->bytes, 0u);  // over its limit already
}

TEST_F(FakeKernel, ANeedOfOneByteMoreIsRefusedWithBothNumbers) {
  folder.write("proc/meminfo", "MemAvailable: 1 kB\n");
  const MemoryRoots roots{folder.path("proc"), folder.path("cgroup")};
  EXPECT_EQ(error_message([&] { require_memory(1024, "model", "the weights", roots); }), "");
  EXPECT_EQ(error_message([&] { require_memory(1025, "model", "the weights", roots); }),
            "model: expected 1025 bytes of memory for the weights, found 1024 (MemAvailable of " + folder.path("proc") + "/meminfo)");
}

TEST_F(FakeKernel, ThePeakOfTheProcessIsReadInBytes) {
  const MemoryRoots roots{folder.path("proc"), folder.path("cgroup")};
  EXPECT_FALSE(peak_memory_bytes(roots));
  folder.write("proc/self/status", "Name:\tspatten\nVmPeak:\t  9000 kB\nVmHWM:\t     12 kB\nVmRSS:\t 3 kB\n");
  EXPECT_EQ(peak_memory_bytes(roots), 12u * 1024);
}

TEST(MemoryBudget, ThisMachineHasSome) {
  const auto budget = memory_budget();
  ASSERT_TRUE(budget);
  EXPECT_GT(budget->bytes, 1u << 20);
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// The reader of memory traces: what it takes, what it refuses and where.
#include "spatten/sim/memory/dram_trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spatten/sim/memory/dram_workload.h"
#include "support/error_message.h"

namespace spatten::sim {
namespace {

using testing::AllOf;
using testing::HasSubstr;

DramTraceReader reader(const std::string& text) { return DramTraceReader(InputStream::from_memory("t.trc", text)); }

std::vector<DramTraceAccess> all(const std::string& text) {
  DramTraceReader trace = reader(text);
  trace.set_device(std::uint64_t{1} << 35, 32);
  std::vector<DramTraceAccess> out;
  for (DramTraceAccess access; trace.next(access);) out.push_back(access);
  return out;
}

std::string complaint(const std::string& text) {
  return error_message([&] { all(text); });
}

TEST(DramTrace, ReadsAccessesClocksLimitsAndComments) {
  const std::string text = "#! q=4 g=7\n0x0 R\n# a word\n\n@ 50\n0x1F40 W\r\n@ 50\n0x7ffffffe0 R";
  EXPECT_EQ(reader(text).limits().reads_per_channel, 4u);
  EXPECT_EQ(reader(text).limits().reads_in_all, 7u);
  const auto accesses = all(text);
  ASSERT_EQ(accesses.size(), 3u);
  EXPECT_EQ(accesses[0].address, 0u);
  EXPECT_EQ(accesses[0].not_before, 0u);
  EXPECT_EQ(accesses[1].address, 0x1f40u);
  EXPECT_TRUE(accesses[1].is_write);
  EXPECT_EQ(accesses[1].not_before, 50u);
  EXPECT_EQ(accesses[2].address, 0x7ffffffe0u);
}

TEST(DramTrace, LimitsAreOptional) {
  EXPECT_EQ(reader("0x20 R\n").limits().reads_per_channel, 0u);
  EXPECT_EQ(all("0x20 R\n").size(), 1u);
  EXPECT_EQ(all("# first\n0x20 R\n").size(), 1u);
}

TEST(DramTrace, ComplaintsNameFileLineAndWhatWasExpected) {
  EXPECT_THAT(complaint(""), AllOf(HasSubstr("t.trc"), HasSubstr("empty file")));
  EXPECT_THAT(complaint("0x0 R\n0x40\n"),
              AllOf(HasSubstr("t.trc:2:"), HasSubstr("0xADDRESS R"), HasSubstr("\"0x40\"")));
  EXPECT_THAT(complaint("0x0 R\n0x4"), HasSubstr("t.trc:2:"));  // cut off
  EXPECT_THAT(complaint("0x0 R\n\n0x21 R\n"), AllOf(HasSubstr("t.trc:3:"), HasSubstr("multiple of 32")));
  EXPECT_THAT(complaint("0x800000000 R\n"), AllOf(HasSubstr("t.trc:1:"), HasSubstr("below 0x800000000")));
  EXPECT_THAT(complaint("@ 5\n@ 4\n"), AllOf(HasSubstr("t.trc:2:"), HasSubstr("5"), HasSubstr("found 4")));
  EXPECT_THAT(complaint("@ 99999999999999999999\n"), HasSubstr("t.trc:1:"));
  EXPECT_THAT(complaint("@ -1\n"), HasSubstr("t.trc:1:"));
  EXPECT_THAT(complaint("0x0 R\n#! q=4\n"), AllOf(HasSubstr("t.trc:2:"), HasSubstr("first line")));
  EXPECT_THAT(complaint("\x1f\x8b\x08 binary\n"), HasSubstr("t.trc:1:"));
}

TEST(DramTrace, RefusesEveryOtherShapeOfLine) {
  for (const char* line : {"40 R", "0x R", "0x40 X", "0x40  R", "0x40 R ", " 0x40 R", "0x40 r", "0x40R", "0x40 RW",
                           "0x1ffffffffffffffff R", "0xg R", "x"}) {
    EXPECT_NE(complaint(std::string(line) + "\n"), "") << line;
  }
  for (const char* line : {"#! q=0", "#! q=x", "#! q=", "#! p=1", "#! q=1x", "#! q=99999999", "#! g=-1", "#! q = 1"}) {
    EXPECT_NE(complaint(std::string(line) + "\n"), "") << line;
  }
}

TEST(DramTrace, LongLinesAreRefusedWithoutReadingThemWhole) {
  EXPECT_THAT(complaint("0x0 R\n" + std::string(10 << 20, 'x')), AllOf(HasSubstr("t.trc:2:"), HasSubstr("4096")));
}

TEST(DramTrace, LinesMayStraddleTheBuffer) {
  std::string text;
  for (int i = 0; i < 60000; ++i) text += "0x1234567" + std::string(1, "02468ace"[i % 8]) + "0 R\n";
  const auto accesses = all(text);
  ASSERT_EQ(accesses.size(), 60000u);
  for (const DramTraceAccess& a : accesses) ASSERT_EQ(a.address >> 8, 0x1234567u);
}

TEST(DramWorkload, EveryNameMakesATraceThatReads) {
  std::vector<std::size_t> sizes;
  for (const DramWorkload& w : dram_workloads()) sizes.push_back(all(dram_workload(w.name)).size());
  EXPECT_THAT(sizes, testing::ElementsAre(131072, 65536, 65536, 98304, 98304, 16384));
  EXPECT_NE(dram_workload("rand32", 1), dram_workload("rand32", 2));
  EXPECT_EQ(dram_workload("rand32", 101), dram_workload("rand32"));
  EXPECT_THAT(error_message([] { dram_workload("rand23"); }), HasSubstr("rand32"));
}

/// FNV-1a; the SHA-256 of the same bytes were compared by hand with the published ones.
std::uint64_t hash(const std::string& text) {
  std::uint64_t h = 14695981039346656037u;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return h;
}

TEST(DramWorkload, BytesAreThePublishedOnes) {
  EXPECT_EQ(hash(dram_workload("rand64")), 0x45d7c0fa64864b8au);
  EXPECT_EQ(hash(dram_workload("pruned50")), 0xdd529d3d6bf5cd32u);
}

}  // namespace
}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// Every pair of a sink and a source keeps the same promises: what goes in comes out, in order, once; an unfinished trace
// leaves nothing behind.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <thread>

#include "spatten/base/error.h"
#include "spatten/trace/authors_csv.h"
#include "spatten/trace/file_sink.h"
#include "spatten/trace/file_source.h"
#include "spatten/trace/live.h"
#include "spatten/trace/memory.h"
#include "support/random_trace.h"
#include "support/temp_folder.h"

namespace spatten::trace {
namespace {

/// Sends a trace through a sink and gives back what the source on the other side saw.
struct Passage {
  std::string name;
  Detail detail;
  std::function<MemorySink(const MemorySink&)> pass;
};

MemorySink collect(Source& source) {
  MemorySink out;
  copy(source, out);
  return out;
}

MemorySink through_memory(const MemorySink& in) {
  MemorySource source(in);
  MemorySink middle;
  copy(source, middle);
  MemorySource again(middle);
  return collect(again);
}

template <class SinkType, class SourceType>
MemorySink through_file(const MemorySink& in) {
  const TempFolder folder;
  const std::string path = folder.path("round_trip");
  MemorySource source(in);
  SinkType sink(path);
  copy(source, sink);
  SourceType back(path);
  return collect(back);
}

MemorySink through_queue(const MemorySink& in) {
  LiveQueue queue(2);
  std::thread writer([&] {
    MemorySource source(in);
    copy(source, queue);
  });
  MemorySink out = collect(queue);
  writer.join();
  return out;
}

std::vector<Passage> passages() {
  return {{"Memory", Detail::kFull, through_memory},
          {"File", Detail::kFull, through_file<FileSink, FileSource>},
          {"LiveQueue", Detail::kFull, through_queue},
          {"AuthorsCsv", Detail::kAuthors, through_file<AuthorsCsvSink, AuthorsCsvSource>}};
}

class TraceContract : public ::testing::TestWithParam<Passage> {};

TEST_P(TraceContract, EveryRecordComesOutAsItWentIn) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const MemorySink in = random_trace(seed, GetParam().detail);
    const MemorySink out = GetParam().pass(in);
    ASSERT_EQ(out.records(), in.records()) << "seed " << seed;
    ASSERT_TRUE(out.ended());
  }
}

TEST_P(TraceContract, TheHeaderKeepsTheSource) {
  const MemorySink in = random_trace(7, GetParam().detail);
  const Header out = GetParam().pass(in).header();
  EXPECT_EQ(out.source, in.header().source);
  if (GetParam().detail == Detail::kFull) {
    EXPECT_EQ(out, in.header());
  }
}

TEST_P(TraceContract, ASecondPassageChangesNothing) {
  const MemorySink once = GetParam().pass(random_trace(11, GetParam().detail));
  const MemorySink twice = GetParam().pass(once);
  EXPECT_EQ(twice.records(), once.records());
  EXPECT_EQ(twice.header(), once.header());
}

INSTANTIATE_TEST_SUITE_P(All, TraceContract, ::testing::ValuesIn(passages()),
                         [](const auto& each) { return each.param.name; });

struct FileKind {
  std::string name;
  std::function<std::unique_ptr<Sink>(const std::string&)> make;
};

class TraceFileContract : public ::testing::TestWithParam<FileKind> {};

TEST_P(TraceFileContract, AnUnfinishedTraceLeavesTheOldFileAlone) {
  const TempFolder folder;
  const std::string path = folder.path("unfinished");
  write_file(path, "old");
  {
    const MemorySink in = random_trace(3, Detail::kAuthors);
    const auto sink = GetParam().make(path);
    sink->begin(in.header());
    for (const Record& record : in.records()) sink->write(record);
  }
  EXPECT_EQ(read_file(path), "old");
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) EXPECT_EQ(entry.path(), path);
}

TEST_P(TraceFileContract, ARecordAgainstTheRulesIsABugOfTheRun) {
  const TempFolder folder;
  const auto sink = GetParam().make(folder.path("bug"));
  sink->begin(Header());
  Record record;
  record.keys = 2;  // of a context of 1
  EXPECT_NE(message_of<Bug>([&] { sink->write(record); }).find("record 1: keys: expected 1 to 1, found 2"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    All, TraceFileContract,
    ::testing::Values(FileKind{"File", [](const std::string& path) { return std::make_unique<FileSink>(path); }},
                      FileKind{"AuthorsCsv", [](const std::string& path) { return std::make_unique<AuthorsCsvSink>(path); }}),
    [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace spatten::trace

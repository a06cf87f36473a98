// SPDX-License-Identifier: Apache-2.0
// An output is all there or not at all, and nothing else appears beside it.
#include "spatten/base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "spatten/base/error.h"
#include "support/error_message.h"
#include "support/temp_folder.h"

namespace spatten {
namespace {

std::vector<std::string> names_in(const TempFolder& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

TEST(OutputFile, ReplacesTheOldFileInCommit) {
  const TempFolder folder;
  const std::string path = folder.write("out", "old");
  OutputFile file(path);
  file.write("ne");
  file.write("w");
  EXPECT_EQ(read_file(path), "old");
  file.commit();
  EXPECT_EQ(read_file(path), "new");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"out"});
}

TEST(OutputFile, LeavesTheOldFileAloneWithoutCommit) {
  const TempFolder folder;
  const std::string path = folder.write("out", "old");
  { OutputFile(path).write(std::string(3 << 20, 'x')); }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"out"});
}

TEST(OutputFile, WritesIntoTheCurrentFolder) {
  const TempFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_file("plain", "here");
  std::filesystem::current_path(before);
  EXPECT_EQ(read_file(folder.path("plain")), "here");
}

TEST(OutputFile, TakesThePermissionsThatANewFileHas) {
  const TempFolder folder;
  const mode_t before = ::umask(027);
  write_file(folder.path("out"), "x");
  ::umask(before);
  struct stat info;
  ASSERT_EQ(::stat(folder.path("out").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0640u);
}

// Robustness C40: of a killed process nothing remains, not even what an earlier one of that number left.
TEST(OutputFile, AKilledProcessLeavesTheOldFileAndNothingElse) {
  const TempFolder folder;
  const std::string path = folder.write("out", "old");
  const pid_t child = ::fork();
  if (child == 0) {
    OutputFile file(path);
    file.write(std::string(3 << 20, 'x'));
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  EXPECT_EQ(read_file(path), "old");
  if (names_in(folder).size() > 1) GTEST_SKIP() << "this file system has no nameless files";
  folder.write(fmt::format("out.tmp-{}", ::getpid()), "of another time");
  write_file(path, "new");
  EXPECT_EQ(read_file(path), "new");
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"out"});
}

TEST(OutputFile, NamesThePathAsItWasGiven) {
  const TempFolder folder;
  EXPECT_EQ(error_message([&] { write_file(folder.path("no/out"), "x"); }),
            folder.path("no/out") + ": cannot create: No such file or directory");
  EXPECT_EQ(error_message([&] { write_file(folder.path(), "x"); }), folder.path() + ": expected a file to write, found a folder");
}

}  // namespace
}  // namespace spatten

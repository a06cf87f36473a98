// SPDX-License-Identifier: Apache-2.0
// An output is all there or not at all, and nothing else appears beside it.
#include "spatten/base/file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
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

TEST(OutputFile, WritesThroughALinkAndKeepsIt) {
  const TempFolder folder;
  folder.write("old", "old");
  std::filesystem::create_directory(folder.path("sub"));
  for (const char* target : {"old", "sub/not there yet"}) {
    const std::filesystem::path link = folder.path("link");
    std::filesystem::remove(link);
    std::filesystem::create_symlink(target, link);
    {
      OutputFile file(link);
      file.write("new");
      EXPECT_NE(std::filesystem::exists(link) ? read_file(link) : "", "new");
      file.commit();
    }
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_EQ(read_file(folder.path(target)), "new");
  }
  EXPECT_EQ(names_in(folder), (std::vector<std::string>{"link", "old", "sub"}));
}

TEST(OutputFile, RefusesLinksWithoutAnEnd) {
  const TempFolder folder;
  std::filesystem::create_symlink("b", folder.path("a"));
  std::filesystem::create_symlink("a", folder.path("b"));
  EXPECT_THAT(error_message([&] { write_file(folder.path("a"), "x"); }), testing::HasSubstr("without an end"));
}

TEST(OutputFile, WritesIntoAPipeAndKeepsIt) {
  const TempFolder folder;
  const std::string pipe = folder.path("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const int reader = ::open(pipe.c_str(), O_RDONLY | O_NONBLOCK);
  write_file(pipe, "for the reader");
  char text[32];
  EXPECT_EQ(std::string(text, static_cast<std::size_t>(std::max<ssize_t>(0, ::read(reader, text, sizeof text)))), "for the reader");
  ::close(reader);
  EXPECT_TRUE(is_device(pipe));
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"pipe"});
}

TEST(OutputFile, ADeviceThatIsFullFailsAndStays) {
  const TempFolder folder;
  const std::string device = folder.path("full");
  if (::mknod(device.c_str(), S_IFCHR | 0600, makedev(1, 7)) != 0) GTEST_SKIP() << "this user makes no devices";
  const int works = ::open(device.c_str(), O_WRONLY);
  if (works < 0) GTEST_SKIP() << "no devices on this file system";
  ::close(works);
  EXPECT_THAT(error_message([&] { write_file(device, "x"); }), testing::AllOf(testing::StartsWith(device), testing::HasSubstr("No space left")));
  EXPECT_TRUE(is_device(device));
}

TEST(OutputFile, PreparedFilesAppearInCommitOnly) {
  const TempFolder folder;
  const std::string path = folder.write("out", "old");
  {
    OutputFile file(path);
    file.write("new");
    file.prepare();
    EXPECT_EQ(read_file(path), "old");
  }
  EXPECT_EQ(names_in(folder), std::vector<std::string>{"out"});
  OutputFile file(path);
  file.write("new");
  file.prepare();
  file.commit();
  EXPECT_EQ(read_file(path), "new");
}

TEST(SameFile, ComparesFilesAndNotTheirSpelling) {
  const TempFolder folder;
  const std::string file = folder.write("file", "x"), missing = folder.path("missing");
  const std::string link = folder.path("link"), loose = folder.path("loose");
  std::filesystem::create_directory(folder.path("sub"));
  std::filesystem::create_symlink("file", link);
  std::filesystem::create_symlink("missing", loose);
  EXPECT_TRUE(same_file(file, link));
  EXPECT_TRUE(same_file(file, folder.path("sub/../file")));
  EXPECT_TRUE(same_file(missing, loose));
  EXPECT_TRUE(same_file(missing, folder.path("./sub/.././missing")));
  EXPECT_TRUE(same_file("not here", "./not here"));
  EXPECT_FALSE(same_file(file, missing));
  EXPECT_FALSE(same_file(missing, folder.path("sub/missing")));
  EXPECT_FALSE(same_file("/dev/null", "/dev/null"));
}

TEST(OutputFile, NamesThePathAsItWasGiven) {
  const TempFolder folder;
  EXPECT_EQ(error_message([&] { write_file(folder.path("no/out"), "x"); }),
            folder.path("no/out") + ": cannot create: No such file or directory");
  EXPECT_EQ(error_message([&] { write_file(folder.path(), "x"); }), folder.path() + ": expected a file to write, found a folder");
}

}  // namespace
}  // namespace spatten

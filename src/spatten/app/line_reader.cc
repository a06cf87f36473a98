// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/line_reader.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "spatten/base/error.h"
#include "spatten/base/file.h"

namespace spatten::app {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 16;
constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

[[noreturn]] void fail(const std::string& name, const char* what) {
  throw Error(name, "", fmt::format("{}: {}", what, std::strerror(errno)));
}

/// Appends what there is, waiting for it; false at the end.
bool read_chunk(int fd, const std::string& name, const std::atomic<bool>* cancelled, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + kChunk);
  for (;;) {
    const ssize_t n = ::read(fd, out.data() + before, kChunk);
    if (cancelled != nullptr && cancelled->load()) throw Cancelled();
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(name, "cannot read");
    out.resize(before + static_cast<std::size_t>(n));
    return n > 0;
  }
}

int open_to_read(const std::string& path) {
  if (is_directory(path)) throw Error(path, "", "expected a file, found a folder");
  int fd;
  do {
    fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) fail(path, "cannot open");
  return fd;
}

}  // namespace

LineReader::LineReader(const std::string& path, const std::atomic<bool>* cancelled)
    : name_(path == "-" ? "standard input" : path), cancelled_(cancelled) {
  close_ = path != "-";
  fd_ = close_ ? open_to_read(path) : STDIN_FILENO;
}

LineReader::~LineReader() {
  if (close_) ::close(fd_);
}

bool LineReader::fill() {
  buffer_.erase(0, std::exchange(used_, 0));
  if (buffer_.size() > kMaxLineBytes) {
    throw Error(name_, std::to_string(line_number_ + 1), fmt::format("expected at most {} bytes in a line, found more", kMaxLineBytes));
  }
  return read_chunk(fd_, name_, cancelled_, buffer_);
}

bool LineReader::next(std::string& line) {
  std::size_t end = buffer_.find('\n', used_);
  while (end == std::string::npos && !at_end_) {
    const std::size_t searched = buffer_.size() - used_;
    at_end_ = !fill();
    end = buffer_.find('\n', searched);
  }
  if (end == std::string::npos && used_ == buffer_.size()) return false;
  const std::size_t stop = end == std::string::npos ? buffer_.size() : end;
  line.assign(buffer_, used_, stop - used_);
  used_ = end == std::string::npos ? stop : stop + 1;
  if (line.ends_with('\r')) line.pop_back();
  if (++line_number_ == 1 && line.starts_with(kByteOrderMark)) line.erase(0, kByteOrderMark.size());
  return true;
}

std::string read_text(const std::string& path, std::size_t limit_bytes, const std::atomic<bool>* cancelled) {
  const bool standard = path == "-";
  const std::string name = standard ? "standard input" : path;
  struct Descriptor {
    int fd;
    bool owned;
    ~Descriptor() {
      if (owned) ::close(fd);
    }
  } const source{standard ? STDIN_FILENO : open_to_read(path), !standard};
  std::string text;
  while (read_chunk(source.fd, name, cancelled, text)) {
    if (text.size() > limit_bytes) throw Error(name, "", fmt::format("expected at most {} bytes, found more", limit_bytes));
  }
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  return text;
}

}  // namespace spatten::app

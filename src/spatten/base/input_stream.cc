// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/input_stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "spatten/base/error.h"
#include "spatten/base/file.h"

namespace spatten {
namespace {

[[noreturn]] void fail(const std::string& name, const char* what) {
  throw Error(name, "", fmt::format("{}: {}", what, std::strerror(errno)));
}

}  // namespace

InputStream::InputStream(const std::string& path, const std::atomic<bool>* cancelled)
    : name_(path == "-" ? "standard input" : path), close_(path != "-"), cancelled_(cancelled) {
  if (!close_) {
    fd_ = STDIN_FILENO;
    return;
  }
  if (is_directory(path)) throw Error(path, "", "expected a file, found a folder");
  do {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (fd_ < 0 && errno == EINTR);
  if (fd_ < 0) fail(path, "cannot open");
}

InputStream InputStream::from_memory(std::string name, std::string contents) {
  InputStream stream;
  stream.name_ = std::move(name);
  stream.contents_ = std::move(contents);
  return stream;
}

InputStream::InputStream(InputStream&& other) noexcept
    : name_(std::move(other.name_)),
      contents_(std::move(other.contents_)),
      used_(other.used_),
      fd_(std::exchange(other.fd_, -1)),
      close_(std::exchange(other.close_, false)),
      cancelled_(other.cancelled_) {}

InputStream::~InputStream() {
  if (close_ && fd_ >= 0) ::close(fd_);
}

std::size_t InputStream::read(char* out, std::size_t bytes) {
  if (fd_ < 0) {
    const std::size_t count = contents_.copy(out, bytes, used_);
    used_ += count;
    return count;
  }
  for (;;) {
    const ssize_t n = ::read(fd_, out, bytes);
    const int error = errno;
    if (cancelled_ != nullptr && cancelled_->load()) throw Cancelled();
    if (n >= 0) return static_cast<std::size_t>(n);
    errno = error;
    if (error != EINTR) fail(name_, "cannot read");
  }
}

}  // namespace spatten

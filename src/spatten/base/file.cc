// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "spatten/base/error.h"

namespace spatten {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;

[[noreturn]] void fail_with_errno(const std::string& path, const char* what) {
  throw Error(path, "", fmt::format("{}: {}", what, std::strerror(errno)));
}

/// The file that a symbolic link leads to in the end, which need not be there yet.
std::string followed(const std::string& path) {
  constexpr int kMaxLinks = 40;  // as the kernel's
  namespace fs = std::filesystem;
  std::error_code ignored;
  fs::path at = path;
  for (int links = 0; fs::is_symlink(fs::symlink_status(at, ignored)); ++links) {
    if (links == kMaxLinks) throw Error(path, "", "expected a file to write, found symbolic links without an end");
    at = at.parent_path() / fs::read_symlink(at, ignored);
  }
  return at.string();
}

}  // namespace

InputFile::InputFile(const std::string& path) : path_(path) {
  do {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);  // a FIFO without a writer must not block
  } while (fd_ < 0 && errno == EINTR);
  if (fd_ < 0) fail_with_errno(path, "cannot open");
  struct stat info;
  if (::fstat(fd_, &info) != 0) {
    const int error = errno;
    ::close(fd_);
    errno = error;
    fail_with_errno(path, "cannot inspect");
  }
  if (!S_ISREG(info.st_mode)) {
    ::close(fd_);
    throw Error(path, "", fmt::format("expected a regular file, found {}", S_ISDIR(info.st_mode) ? "a folder" : "something else"));
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
}

InputFile InputFile::from_memory(std::string name, std::string contents) {
  InputFile file;
  file.path_ = std::move(name);
  file.contents_ = std::move(contents);
  file.size_ = file.contents_.size();
  return file;
}

InputFile::InputFile(InputFile&& other) noexcept
    : path_(std::move(other.path_)),
      contents_(std::move(other.contents_)),
      fd_(std::exchange(other.fd_, -1)),
      size_(std::exchange(other.size_, 0)) {}

InputFile::~InputFile() {
  if (fd_ >= 0) ::close(fd_);
}

/// pread on the bytes in memory.
std::ptrdiff_t InputFile::copy_contents(std::uint64_t offset, char* out, std::size_t bytes) const {
  if (offset >= contents_.size()) return 0;
  return static_cast<std::ptrdiff_t>(contents_.copy(out, bytes, static_cast<std::size_t>(offset)));
}

void InputFile::read_at(std::uint64_t offset, void* out, std::size_t bytes) const {
  auto* p = static_cast<char*>(out);
  while (bytes > 0) {
    const ssize_t n = fd_ >= 0 ? ::pread(fd_, p, std::min(bytes, std::size_t{1} << 30), static_cast<off_t>(offset))
                               : copy_contents(offset, p, bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_with_errno(path_, "cannot read");
    if (n == 0) throw Error(path_, fmt::format("byte {}", offset), "expected more data, found the end of the file (truncated?)");
    p += n;
    bytes -= static_cast<std::size_t>(n);
    offset += static_cast<std::uint64_t>(n);
  }
}

std::string read_file(const std::string& path, std::uint64_t limit_bytes) {
  const InputFile file(path);
  if (file.size() > limit_bytes) {
    throw Error(path, "", fmt::format("expected at most {} bytes, found {}", limit_bytes, file.size()));
  }
  std::string out(static_cast<std::size_t>(file.size()), '\0');
  file.read_at(0, out.data(), out.size());
  return out;
}

OutputFile::OutputFile(const std::string& path) : path_(path) {
  if (path == "-") {
    fd_ = ::dup(STDOUT_FILENO);
    if (fd_ < 0) fail("cannot open");
    return;
  }
  if (is_directory(path)) throw Error(path, "", "expected a file to write, found a folder");
  if (is_device(path)) {
    open_device();
    return;
  }
  target_ = followed(path);
  temporary_ = fmt::format("{}.tmp-{}", target_, ::getpid());
  create();
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty() && !nameless_) ::unlink(temporary_.c_str());
}

/// A device or a pipe keeps its place: what is written goes there at once. A pipe without a reader makes us wait for one.
void OutputFile::open_device() {
  fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  if (fd_ < 0 && errno == EINTR) throw Cancelled();
  if (fd_ < 0) fail("cannot open");
}

void OutputFile::create() {
#ifdef O_TMPFILE
  const std::size_t slash = target_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target_.substr(0, slash + 1);
  if (::access("/proc/self/fd", X_OK) == 0) {  // through which give_name() finds it again
    fd_ = ::open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
    nameless_ = fd_ >= 0;
  }
#endif
  if (fd_ < 0) fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd_ < 0) fail("cannot create");
}

/// A nameless file cannot take the place of another: it gets a name of its own first.
void OutputFile::give_name() {
  if (!nameless_) return;
  const std::string source = fmt::format("/proc/self/fd/{}", fd_);
  ::unlink(temporary_.c_str());  // of a killed process that had our number
  if (::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, temporary_.c_str(), AT_SYMLINK_FOLLOW) != 0) fail("cannot name");
  nameless_ = false;
}

void OutputFile::fail(const char* what) const { fail_with_errno(path_, what); }

void OutputFile::write(std::string_view bytes) {
  pending_ += bytes;
  if (pending_.size() >= kChunk) flush();
}

void OutputFile::flush() {
  std::string_view rest = pending_;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("cannot write");
    rest.remove_prefix(static_cast<std::size_t>(n));
  }
  pending_.clear();
}

void OutputFile::prepare() {
  if (fd_ < 0) return;
  flush();
  if (!temporary_.empty()) {
    if (::fsync(fd_) != 0) fail("cannot sync");
    give_name();
  }
  if (::close(std::exchange(fd_, -1)) != 0) fail("cannot close");
}

void OutputFile::commit() {
  prepare();
  if (temporary_.empty()) return;
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("cannot rename");
  temporary_.clear();
}

void write_file(const std::string& path, std::string_view contents) {
  OutputFile file(path);
  file.write(contents);
  file.commit();
}

bool is_directory(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_file(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool is_device(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
}

bool same_file(const std::string& a, const std::string& b) {
  namespace fs = std::filesystem;
  if (is_device(a) || is_device(b)) return false;
  std::error_code ignored;
  if (fs::equivalent(a, b, ignored)) return true;
  const auto place = [&ignored](const std::string& path) { return fs::weakly_canonical(fs::absolute(followed(path)), ignored); };
  const fs::path at = place(a);
  return !at.empty() && at == place(b);
}

std::string join_path(std::string_view folder, std::string_view name) {
  std::string out(folder);
  if (!out.empty() && out.back() != '/') out += '/';
  return out += name;
}

}  // namespace spatten

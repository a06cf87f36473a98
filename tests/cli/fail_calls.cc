// SPDX-License-Identifier: Apache-2.0
// A library to preload into the program: one kind of system call fails on demand (robustness C36). The environment says
//   FAIL_CALL    open, read, fstat, write, fsync, linkat, rename, close or pthread_create
//   FAIL_FIRST   number of the first such call that fails, from 1
//   FAIL_LAST    number of the last one
//   FAIL_ERRNO   its errno; 0: the call does half of its work, as read and write may
//   FAIL_NOTICE  a file that is made when one fails
// Calls on standard error always work, so that the message comes out. What the C library calls inside itself (fopen, the
// dynamic loader) does not pass here.
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

long number(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : std::atol(text);
}

enum class Fate { kNormal, kFails, kHalf };

/// What happens to the next call of this kind; sets errno when it fails.
Fate fate_of(const char* call) {
  static std::atomic<long> seen{0};
  const char* wanted = std::getenv("FAIL_CALL");
  if (wanted == nullptr || std::strcmp(wanted, call) != 0) return Fate::kNormal;
  const long n = ++seen;
  if (n < number("FAIL_FIRST") || n > number("FAIL_LAST")) return Fate::kNormal;
  if (const char* notice = std::getenv("FAIL_NOTICE")) ::syscall(SYS_close, ::syscall(SYS_open, notice, O_CREAT, 0666));
  errno = static_cast<int>(number("FAIL_ERRNO"));
  return errno == 0 ? Fate::kHalf : Fate::kFails;
}

template <class F>
F* real(F*, const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}
#define REAL(f) real(&::f, #f)

size_t half(size_t bytes) { return bytes > 1 ? bytes / 2 : bytes; }

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & (O_CREAT | __O_TMPFILE)) != 0) {
    va_list rest;
    va_start(rest, flags);
    mode = va_arg(rest, mode_t);
    va_end(rest);
  }
  return fate_of("open") == Fate::kFails ? -1 : REAL(open)(path, flags, mode);
}

ssize_t read(int fd, void* data, size_t bytes) {
  const Fate fate = fate_of("read");
  return fate == Fate::kFails ? -1 : REAL(read)(fd, data, fate == Fate::kHalf ? half(bytes) : bytes);
}

ssize_t pread(int fd, void* data, size_t bytes, off_t offset) {
  const Fate fate = fate_of("read");
  return fate == Fate::kFails ? -1 : REAL(pread)(fd, data, fate == Fate::kHalf ? half(bytes) : bytes, offset);
}

ssize_t write(int fd, const void* data, size_t bytes) {
  const Fate fate = fd == STDERR_FILENO ? Fate::kNormal : fate_of("write");
  return fate == Fate::kFails ? -1 : REAL(write)(fd, data, fate == Fate::kHalf ? half(bytes) : bytes);
}

int fstat(int fd, struct stat* info) { return fate_of("fstat") == Fate::kFails ? -1 : REAL(fstat)(fd, info); }
int fsync(int fd) { return fate_of("fsync") == Fate::kFails ? -1 : REAL(fsync)(fd); }

int linkat(int from, const char* source, int to, const char* target, int flags) {
  return fate_of("linkat") == Fate::kFails ? -1 : REAL(linkat)(from, source, to, target, flags);
}

int rename(const char* from, const char* to) noexcept { return fate_of("rename") == Fate::kFails ? -1 : REAL(rename)(from, to); }

/// A descriptor is gone even when closing it fails.
int close(int fd) {
  const int error = fate_of("close") == Fate::kFails ? errno : 0;
  const int result = REAL(close)(fd);
  if (error == 0) return result;
  errno = error;
  return -1;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) noexcept {
  return fate_of("pthread_create") == Fate::kFails ? errno : REAL(pthread_create)(thread, attributes, body, argument);
}

}  // extern "C"

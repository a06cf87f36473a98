// SPDX-License-Identifier: Apache-2.0
// Runs an action in a forked child and tells what it cost, so that limits and peaks of memory belong to it alone.
#pragma once

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ctime>
#include <string>

#include "support/error_message.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SPATTEN_TEST_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SPATTEN_TEST_SANITIZED 1
#endif
#endif

namespace spatten {

/// False under a sanitizer, whose shadow memory and slowness say nothing about the program.
#ifdef SPATTEN_TEST_SANITIZED
inline constexpr bool kCanMeasure = false;
#else
inline constexpr bool kCanMeasure = true;
#endif

struct ChildResult {
  int status = 0;                  // as from waitpid: 0 after a normal end
  std::string message;             // of the Error, "" without one
  double cpu_seconds = 0;          // of the action; wall time would measure the other work of the machine
  std::uint64_t peak_growth_bytes = 0;  // of resident memory
};

inline std::uint64_t peak_resident_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

template <class F>
ChildResult run_in_child(F&& action) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends[0]);
    const std::uint64_t before = peak_resident_bytes();
    const std::clock_t start = std::clock();
    const std::string message = error_message(action);
    const double took = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    const std::string report = fmt::format("{} {} {}", took, peak_resident_bytes() - before, message);
    const bool written = ::write(ends[1], report.data(), report.size()) == static_cast<ssize_t>(report.size());
    ::_exit(written ? 0 : 1);
  }
  ::close(ends[1]);
  std::string report(8192, '\0');
  std::size_t size = 0;
  for (ssize_t n; (n = ::read(ends[0], report.data() + size, report.size() - size)) > 0;) size += static_cast<std::size_t>(n);
  ::close(ends[0]);
  ChildResult out;
  ::waitpid(child, &out.status, 0);
  report.resize(size);
  const std::size_t first = report.find(' '), second = report.find(' ', first + 1);
  if (second == std::string::npos) return out;
  out.cpu_seconds = std::stod(report.substr(0, first));
  out.peak_growth_bytes = std::stoull(report.substr(first + 1, second - first - 1));
  out.message = report.substr(second + 1);
  return out;
}

}  // namespace spatten

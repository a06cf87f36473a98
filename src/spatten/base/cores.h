// SPDX-License-Identifier: Apache-2.0
// The processor cores that this process may use.
#pragma once

#include <sched.h>

#include <cstddef>
#include <thread>

namespace spatten {

/// A set of cores. Where the system has no word for it (more than 1024 cores), it is empty and does nothing.
class Cores {
 public:
  /// Those that the calling thread may run on: its affinity mask.
  static Cores allowed();
  /// The one that the calling thread runs on now, or -1.
  static int current();
  /// Cores of the control group's quota (cgroup v2), rounded up; 0 when there is none.
  static std::size_t quota();

  std::size_t count() const;
  bool contains(int core) const;
  /// Lets `thread` run on these cores but not on `core`. Nothing happens where the system refuses it.
  void confine_without(int core, std::thread& thread) const;

 private:
  Cores();
  cpu_set_t set_;
};

}  // namespace spatten

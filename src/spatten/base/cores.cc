// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/cores.h"

#include <pthread.h>

#include <algorithm>
#include <cmath>
#include <fstream>

namespace spatten {

Cores::Cores() { CPU_ZERO(&set_); }

Cores Cores::allowed() {
  Cores cores;
  if (sched_getaffinity(0, sizeof cores.set_, &cores.set_) != 0) CPU_ZERO(&cores.set_);
  return cores;
}

int Cores::current() { return sched_getcpu(); }

std::size_t Cores::quota() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (!(file >> quota >> period) || period <= 0) return 0;
  return static_cast<std::size_t>(std::max(1.0, std::ceil(quota / period)));
}

std::size_t Cores::count() const { return static_cast<std::size_t>(CPU_COUNT(&set_)); }

bool Cores::contains(int core) const { return core >= 0 && core < CPU_SETSIZE && CPU_ISSET(core, &set_); }

void Cores::confine_without(int core, std::thread& thread) const {
  cpu_set_t others = set_;
  if (core >= 0 && core < CPU_SETSIZE) CPU_CLR(core, &others);
  if (CPU_COUNT(&others) > 0) pthread_setaffinity_np(thread.native_handle(), sizeof others, &others);
}

}  // namespace spatten

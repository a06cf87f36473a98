// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <system_error>

namespace spatten {
namespace {

// A loop of one layer starts a few microseconds after the last one ended, a sleeping thread needs about 50 to wake:
// so threads look for work this often before they sleep. Bounded, because a core that spins is lost to others.
constexpr int kSpins = 4000;

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#else
  std::this_thread::yield();
#endif
}

/// Cores of the cgroup (v2) quota, or 0 when there is none.
std::size_t cgroup_cores() {
  std::ifstream file("/sys/fs/cgroup/cpu.max");
  double quota = 0, period = 0;
  if (!(file >> quota >> period) || period <= 0) return 0;
  return static_cast<std::size_t>(std::max(1.0, std::ceil(quota / period)));
}

}  // namespace

std::size_t ThreadPool::available_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  if (sched_getaffinity(0, sizeof mask, &mask) == 0) cores = std::max(1, CPU_COUNT(&mask));
  const std::size_t quota = cgroup_cores();
  return quota == 0 ? cores : std::min(cores, quota);
}

ThreadPool::ThreadPool(std::size_t threads) {
  for (std::size_t i = 1; i < threads; ++i) {
    try {
      workers_.emplace_back([this, i] { work(i); });
    } catch (const std::system_error&) {
      break;  // the results do not depend on the number of threads
    }
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    generation_.fetch_add(1);
  }
  wake_.notify_all();
  for (std::thread& t : workers_) t.join();
}

void ThreadPool::run_tasks(std::size_t worker) {
  for (;;) {
    const std::size_t index = next_.fetch_add(1);
    if (index >= count_) return;
    try {
      (*task_)(index, worker);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
  }
}

bool ThreadPool::enter() {
  std::uint64_t door = door_.load();
  while ((door & kShut) == 0) {
    if (door_.compare_exchange_weak(door, door + 1)) return true;
  }
  return false;
}

void ThreadPool::work(std::size_t worker) {
  std::uint64_t seen = 0;
  for (;;) {
    for (int i = 0; i < kSpins && generation_.load() == seen; ++i) relax();
    if (generation_.load() == seen) {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return generation_.load() != seen; });
    }
    seen = generation_.load();
    if (stop_) return;
    if (!enter()) continue;
    run_tasks(worker);
    door_.fetch_sub(1);
  }
}

void ThreadPool::parallel_for(std::size_t count, const std::function<void(std::size_t, std::size_t)>& task) {
  if (workers_.empty() || count <= 1) {
    for (std::size_t i = 0; i < count; ++i) task(i, 0);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    task_ = &task;
    count_ = count;
    error_ = nullptr;
    next_ = 0;
    door_ = 0;
    generation_.fetch_add(1);
  }
  wake_.notify_all();
  run_tasks(0);
  door_.fetch_or(kShut);
  for (int i = 0; door_.load() != kShut; ++i) {
    if (i < kSpins) {
      relax();
    } else {
      std::this_thread::yield();
    }
  }
  if (error_) std::rethrow_exception(error_);
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// The threads that a caller hands in. One pool runs one loop at a time; the calling thread takes part.
// Every thread begins with a share of the indices of its own, the same in each loop of so many, and then helps with the
// others': what neighbouring tasks write stays in one core's cache from loop to loop. A task must not depend on the thread
// that runs it.
// Where there is a core for every thread, a worker that slept is kept off the core of the caller that wakes it: Linux may
// leave the two on one core for tens of milliseconds, while another one idles.
// Own code and not a library: oneDNN's per-thread setting (kernels/gemm.h) and ThreadSanitizer both need to see the
// hand-over (docs/decisions/threads.md).
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "spatten/base/cores.h"

namespace spatten {

class ThreadPool {
 public:
  /// `threads` >= 1, the caller included. Fewer are made when the system refuses more; size() tells.
  explicit ThreadPool(std::size_t threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  std::size_t size() const { return workers_.size() + 1; }

  /// Calls task(index, worker) for every index below count, worker below size(); returns when all are done.
  /// The first exception of a task is thrown again here, after the others have finished; with one thread at once. Not reentrant.
  void parallel_for(std::size_t count, const std::function<void(std::size_t index, std::size_t worker)>& task);

  /// The cores that this process may run on (its affinity mask and cgroup quota), at least 1.
  static std::size_t available_cores();

 private:
  void work(std::size_t worker);
  void wait_for_loop_after(std::uint64_t seen);
  void leave_the_callers_core();
  bool enter();
  void run_tasks(std::size_t worker);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::size_t asleep_ = 0;  // workers in wake_; under the mutex
  const Cores cores_ = Cores::allowed();
  int callers_core_ = -1;  // that workers are kept off; -1: none yet
  // One loop: written by the caller before the generation is published, read by workers after they saw it.
  const std::function<void(std::size_t, std::size_t)>* task_ = nullptr;
  struct alignas(64) Share {
    std::atomic<std::size_t> next{0};
    std::size_t end = 0;
  };
  std::vector<Share> shares_;  // of the indices, one per thread; ascending
  // The door of the loop: workers inside, plus kShut when no more may enter. A worker that the system did not run in
  // time finds it shut and is not waited for.
  static constexpr std::uint64_t kShut = std::uint64_t{1} << 32;
  std::atomic<std::uint64_t> door_{kShut};
  std::atomic<std::uint64_t> generation_{0};
  std::atomic<bool> stop_{false};
  std::exception_ptr error_;
};

}  // namespace spatten

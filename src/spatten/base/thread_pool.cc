// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/thread_pool.h"

#include <signal.h>

#include <algorithm>
#include <new>
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

/// While it lives, threads that are made take no signals: those are the caller's, which may have prepared a stack for them.
/// Faults of a thread itself still reach it, and so does a profiler's clock.
class NoSignals {
 public:
  NoSignals() {
    sigset_t none;
    ::sigfillset(&none);
    for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF}) ::sigdelset(&none, own);
    ::pthread_sigmask(SIG_BLOCK, &none, &before_);
  }
  ~NoSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

std::size_t ThreadPool::available_cores() {
  std::size_t cores = Cores::allowed().count();
  if (cores == 0) cores = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t quota = Cores::quota();
  return quota == 0 ? cores : std::min(cores, quota);
}

ThreadPool::ThreadPool(std::size_t threads) : shares_(threads) {
  workers_.reserve(threads - 1);  // may throw as long as no thread runs
  const NoSignals inherited;
  try {
    for (std::size_t i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
  } catch (const std::system_error&) {
  } catch (const std::bad_alloc&) {
  }  // the results do not depend on the number of threads
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
  for (std::size_t helped = 0; helped < size(); ++helped) {
    Share& share = shares_[(worker + helped) % size()];
    for (std::size_t index; (index = share.next.fetch_add(1)) < share.end;) {
      try {
        (*task_)(index, worker);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (!error_) error_ = std::current_exception();
      }
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

void ThreadPool::wait_for_loop_after(std::uint64_t seen) {
  for (int i = 0; i < kSpins; ++i) {
    if (generation_.load() != seen) return;
    relax();
  }
  std::unique_lock lock(mutex_);
  ++asleep_;
  wake_.wait(lock, [&] { return generation_.load() != seen; });
  --asleep_;
}

void ThreadPool::work(std::size_t worker) {
  std::uint64_t seen = 0;
  for (;;) {
    wait_for_loop_after(seen);
    seen = generation_.load();
    if (stop_) return;
    if (!enter()) continue;
    run_tasks(worker);
    door_.fetch_sub(1);
  }
}

/// Under the mutex, before sleepers are woken. A caller seldom moves, so this mostly compares two numbers.
void ThreadPool::leave_the_callers_core() {
  const int core = Cores::current();
  if (core == callers_core_ || cores_.count() < size() || !cores_.contains(core)) return;
  for (std::thread& worker : workers_) cores_.confine_without(core, worker);
  callers_core_ = core;
}

void ThreadPool::parallel_for(std::size_t count, const std::function<void(std::size_t, std::size_t)>& task) {
  if (workers_.empty() || count <= 1) {
    for (std::size_t i = 0; i < count; ++i) task(i, 0);
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    task_ = &task;
    error_ = nullptr;
    for (std::size_t w = 0; w < size(); ++w) {
      shares_[w].next = count * w / size();
      shares_[w].end = count * (w + 1) / size();
    }
    door_ = 0;
    if (asleep_ > 0) leave_the_callers_core();
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

// SPDX-License-Identifier: Apache-2.0
// Every task runs once on any number of threads and cores, and a worker that slept wakes away from its caller's core.
#include "spatten/base/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

#include "spatten/base/error.h"

namespace spatten {
namespace {

TEST(ThreadPool, LeavesSignalsToTheCaller) {
  ThreadPool pool(3);
  std::vector<std::atomic<int>> takes(pool.size());
  for (int round = 0; round < 100; ++round) {
    pool.parallel_for(32, [&](std::size_t, std::size_t worker) {
      sigset_t blocked;
      pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
      if (sigismember(&blocked, SIGINT) == 0) ++takes[worker];
      EXPECT_EQ(sigismember(&blocked, SIGSEGV), 0);
    });
  }
  EXPECT_GT(takes[0], 0);
  for (std::size_t worker = 1; worker < pool.size(); ++worker) EXPECT_EQ(takes[worker], 0);
}

TEST(ThreadPool, RunsEveryTaskOnceAndPassesExceptionsOn) {
  ThreadPool pool(3);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::atomic<int>> hits(17);
    pool.parallel_for(hits.size(), [&](std::size_t i, std::size_t) { ++hits[i]; });
    for (const auto& h : hits) EXPECT_EQ(h.load(), 1);
  }
  EXPECT_THROW(pool.parallel_for(8, [](std::size_t i, std::size_t) {
    if (i == 5) throw Error("x");
  }),
               Error);
  std::atomic<int> after = 0;
  pool.parallel_for(4, [&](std::size_t, std::size_t) { ++after; });
  EXPECT_EQ(after.load(), 4);
}

// Nobody goes on before all have begun: what each began with is its own share, and it is the same in every loop.
TEST(ThreadPool, EveryThreadBeginsWithItsShare) {
  ThreadPool pool(3);
  for (int round = 0; round < 20; ++round) {
    std::atomic<std::size_t> begun = 0;
    std::vector<std::size_t> first(pool.size(), SIZE_MAX);
    pool.parallel_for(10, [&](std::size_t i, std::size_t worker) {
      if (first[worker] == SIZE_MAX) {
        first[worker] = i;
        ++begun;
      }
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);  // the system may let a thread come too late
      while (begun < pool.size() && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    });
    if (begun == pool.size()) {
      EXPECT_EQ(first, (std::vector<std::size_t>{0, 3, 6}));
    }
  }
}

TEST(ThreadPool, AThreadThatIsDoneHelpsTheOthers) {
  ThreadPool pool(2);
  std::atomic<int> done = 0;
  std::atomic<std::size_t> holder = SIZE_MAX;
  pool.parallel_for(8, [&](std::size_t i, std::size_t worker) {
    std::size_t none = SIZE_MAX;
    if (holder.compare_exchange_strong(none, worker)) {  // the first task lasts until all others have run, in either share
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
      while (done < 7 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
      EXPECT_EQ(done.load(), 7) << "task " << i;
    } else {
      EXPECT_NE(worker, holder.load());
      ++done;
    }
  });
}

/// Moves the test's thread among the cores that it may use, and back at the end.
class OnCores : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(sched_getaffinity(0, sizeof before_, &before_), 0);
    for (int core = 0; core < CPU_SETSIZE; ++core) {
      if (CPU_ISSET(core, &before_)) cores_.push_back(core);
    }
  }
  void TearDown() override { sched_setaffinity(0, sizeof before_, &before_); }

  static void move_to(std::vector<int> cores) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const int core : cores) CPU_SET(core, &set);
    ASSERT_EQ(sched_setaffinity(0, sizeof set, &set), 0);
  }

  /// Cores that the only worker of a pool may use at the start of a loop before which it slept.
  static std::vector<int> cores_of_worker(ThreadPool& pool) {
    std::atomic<bool> seen = false;
    std::vector<int> cores;
    while (!seen) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      pool.parallel_for(2, [&](std::size_t, std::size_t worker) {
        if (worker == 1 && !seen) {
          cpu_set_t set;
          sched_getaffinity(0, sizeof set, &set);
          for (int core = 0; core < CPU_SETSIZE; ++core) {
            if (CPU_ISSET(core, &set)) cores.push_back(core);
          }
          seen = true;
        } else {  // time for the other one to take part
          for (int i = 0; i < 100 && !seen; ++i) std::this_thread::sleep_for(std::chrono::microseconds(100));
        }
      });
    }
    return cores;
  }

  std::vector<int> all_but(int core) const {
    std::vector<int> others = cores_;
    std::erase(others, core);
    return others;
  }

  cpu_set_t before_;
  std::vector<int> cores_;
};

TEST_F(OnCores, AWorkerThatSleptIsKeptOffItsCallersCore) {
  if (cores_.size() < 2) GTEST_SKIP() << "one core only";
  ThreadPool pool(2);
  for (const int core : {cores_[0], cores_[1], cores_[0]}) {
    move_to({core});
    std::vector<int> allowed;
    // The worker may have been awake the first time: it is moved when it is woken, not before.
    for (int tries = 0; tries < 200 && allowed != all_but(core); ++tries) allowed = cores_of_worker(pool);
    EXPECT_EQ(allowed, all_but(core));
  }
}

TEST_F(OnCores, MoreThreadsThanCoresShareThemAll) {
  move_to({cores_[0]});
  ThreadPool pool(2);
  EXPECT_EQ(cores_of_worker(pool), std::vector<int>{cores_[0]});
  EXPECT_EQ(ThreadPool::available_cores(), 1u);
}

TEST_F(OnCores, WorksWithoutTheFirstCore) {
  move_to({cores_.back()});
  ThreadPool pool(3);
  std::vector<std::atomic<int>> hits(100);
  pool.parallel_for(hits.size(), [&](std::size_t i, std::size_t) { ++hits[i]; });
  EXPECT_TRUE(std::all_of(hits.begin(), hits.end(), [](const auto& h) { return h == 1; }));
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// A program of somebody else's, built on the installed library. Its argument is the installed data folder.
#include <spatten/base/json.h>
#include <spatten/base/thread_pool.h>

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  spatten::ThreadPool threads(2);
  std::atomic<int> ran{0};
  threads.parallel_for(8, [&](std::size_t, std::size_t) { ++ran; });
  return ran == 8 ? 0 : 1;
}

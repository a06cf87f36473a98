// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/signals.h"

#include <unistd.h>

#include <array>
#include <csignal>

namespace spatten::app {
namespace {

std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // else a signal handler must not touch it

void on_stop(int) {
  if (stop.exchange(true)) ::_exit(130);
}

/// Handlers run on a stack of their own: oneDNN's kernels keep other things in the stack pointer, and what a handler leaves
/// on "the stack" would lie in their matrices. The threads of a pool take no signals (thread_pool.cc).
void set_signal_stack() {
  static std::array<char, 64 * 1024> stack;  // registers of AVX-512 and AMX take 11 kB of it
  stack_t present{};
  if (::sigaltstack(nullptr, &present) == 0 && (present.ss_flags & SS_DISABLE) == 0) return;  // a sanitizer's
  stack_t own{};
  own.ss_sp = stack.data();
  own.ss_size = stack.size();
  ::sigaltstack(&own, nullptr);
}

}  // namespace

void install_signal_handlers() {
  set_signal_stack();
  struct sigaction action {};
  action.sa_handler = on_stop;
  action.sa_flags = SA_ONSTACK;  // no SA_RESTART: a read that waits for input returns
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

const std::atomic<bool>& stop_requested() { return stop; }

}  // namespace spatten::app

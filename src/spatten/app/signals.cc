// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/signals.h"

#include <unistd.h>

#include <csignal>

namespace spatten::app {
namespace {

std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // else a signal handler must not touch it

void on_stop(int) {
  if (stop.exchange(true)) ::_exit(130);
}

}  // namespace

void install_signal_handlers() {
  struct sigaction action {};
  action.sa_handler = on_stop;  // no SA_RESTART: a read that waits for input returns
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

const std::atomic<bool>& stop_requested() { return stop; }

}  // namespace spatten::app

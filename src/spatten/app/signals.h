// SPDX-License-Identifier: Apache-2.0
// SIGINT and SIGTERM: the first one asks the run to stop (it throws Cancelled, the program exits with 130), the second
// one ends the process at once. SIGPIPE is ignored, so that a closed pipe is an error like any other.
#pragma once

#include <atomic>

namespace spatten::app {

void install_signal_handlers();

/// True from the first SIGINT or SIGTERM on. The only global of the program: a signal handler has nothing else to write to.
const std::atomic<bool>& stop_requested();

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// The program `spatten`: signals, surroundings, command line, and every failure as one line and an exit status.
#include <string>
#include <vector>

#include "spatten/app/command_line.h"
#include "spatten/app/errors.h"
#include "spatten/app/locations.h"
#include "spatten/app/signals.h"

int main(int argc, char** argv) {
  using namespace spatten::app;
  install_signal_handlers();
  try {
    Environment environment;
    if (argc > 0) environment.program = argv[0];
    environment.terminal = detect_terminal();
    environment.data_roots = find_data_roots();
    environment.cancelled = &stop_requested();
    return run_command_line({argv + std::min(argc, 1), argv + argc}, environment);
  } catch (...) {
    return report_failure(std::current_exception());
  }
}

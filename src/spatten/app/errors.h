// SPDX-License-Identifier: Apache-2.0
// From an exception to one line on standard error and an exit status (docs/interface.md):
// 1 the input or the run failed, 2 wrong usage, 130 interrupted, 141 the reader of our output went away.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>

namespace spatten::app {

/// Standard output is a pipe that nobody reads any more (`spatten ... | head`).
class ClosedPipe : public std::runtime_error {
 public:
  ClosedPipe() : std::runtime_error("standard output was closed") {}
};

struct Failure {
  int status = 1;
  std::string message;  // one line without "spatten: "; empty: say nothing
};

Failure describe_failure(const std::exception_ptr& error);

/// Prints the line, if there is one, and returns the status.
int report_failure(const std::exception_ptr& error);

/// A warning or a note on standard error.
void print_note(const std::string& message);

}  // namespace spatten::app

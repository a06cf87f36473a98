// SPDX-License-Identifier: Apache-2.0
// The two kinds of error. `Error` is the user's: it names a file, a place in it and what was expected and found; the
// program prints it as one line and exits with 1. `SPATTEN_CHECK` is ours: a broken invariant, thrown as `Bug`, so
// that a defect does not kill a process that embeds the library.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace spatten {

/// A fault of the input. what() reads "FILE:PLACE: message"; place may be empty.
class Error : public std::runtime_error {
 public:
  Error(std::string_view file, std::string_view place, std::string_view message);
  explicit Error(std::string_view message);
};

/// The caller asked for something impossible (an option, an argument); the program exits with 2.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// The run was cancelled from outside (Ctrl-C); the program exits with 130.
class Cancelled : public std::runtime_error {
 public:
  Cancelled() : std::runtime_error("interrupted") {}
};

/// An invariant of this library does not hold.
class Bug : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// Text from a file made fit for one line of a terminal: control characters and bad UTF-8 escaped, at most `limit`
/// bytes, an ellipsis where it was cut.
std::string printable(std::string_view text, std::size_t limit = 80);

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace spatten

#define SPATTEN_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::spatten::check_failed(#condition, __FILE__, __LINE__))

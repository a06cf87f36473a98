// SPDX-License-Identifier: Apache-2.0
// A line of progress on standard error, redrawn in place; only where standard error is a terminal that shows nothing else.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace spatten::app {

class Progress {
 public:
  /// `total` unknown: a count and a rate. `visible` false: does nothing.
  Progress(std::string label, std::optional<std::size_t> total, bool visible);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void update(std::size_t done);
  void set_total(std::size_t total) { total_ = total; }

 private:
  std::string label_;
  std::optional<std::size_t> total_;
  bool visible_, drawn_ = false;
  std::chrono::steady_clock::time_point start_, last_;
};

}  // namespace spatten::app

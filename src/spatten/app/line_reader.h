// SPDX-License-Identifier: Apache-2.0
// Lines of a file, a pipe or standard input, one at a time, in memory that is bounded by the longest line.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace spatten::app {

class LineReader {
 public:
  static constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;

  /// `path` "-": standard input. Throws Error when it cannot be opened. `cancelled` may be null.
  LineReader(const std::string& path, const std::atomic<bool>* cancelled);
  ~LineReader();
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// The next line without its end (LF or CRLF) and, in the first, without a byte order mark; false at the end.
  /// Throws Error for a line above kMaxLineBytes and Cancelled when the user interrupts while it waits.
  bool next(std::string& line);

  /// For messages: the path as given, or "standard input".
  const std::string& name() const { return name_; }
  /// Of the line that next() gave last, from 1.
  std::uint64_t line_number() const { return line_number_; }

 private:
  bool fill();

  std::string name_;
  int fd_ = -1;
  bool close_ = false, at_end_ = false;
  const std::atomic<bool>* cancelled_;
  std::string buffer_;
  std::size_t used_ = 0;  // bytes of buffer_ that were given out
  std::uint64_t line_number_ = 0;
};

/// All of a text file or of standard input ("-"). Throws Error above `limit_bytes`, or Cancelled.
std::string read_text(const std::string& path, std::size_t limit_bytes, const std::atomic<bool>* cancelled);

}  // namespace spatten::app

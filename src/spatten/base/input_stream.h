// SPDX-License-Identifier: Apache-2.0
// Bytes of a file, a pipe or standard input from front to back, in bounded memory: for inputs that may be larger than
// it.
#pragma once

#include <atomic>
#include <cstddef>
#include <string>

namespace spatten {

class InputStream {
 public:
  /// `path` "-": standard input. Throws Error when it cannot be opened. `cancelled` may be null; a read that is
  /// interrupted while it is set throws Cancelled.
  explicit InputStream(const std::string& path, const std::atomic<bool>* cancelled = nullptr);
  /// Bytes that are already in memory, under a name for the errors.
  static InputStream from_memory(std::string name, std::string contents);
  ~InputStream();
  InputStream(InputStream&& other) noexcept;
  InputStream(const InputStream&) = delete;
  InputStream& operator=(InputStream&&) = delete;

  /// For messages: the path as given, or "standard input".
  const std::string& name() const { return name_; }
  /// Up to `bytes`, waiting for at least one; 0 at the end.
  std::size_t read(char* out, std::size_t bytes);

 private:
  InputStream() = default;

  std::string name_, contents_;  // contents_ only when there is no descriptor
  std::size_t used_ = 0;
  int fd_ = -1;
  bool close_ = false;
  const std::atomic<bool>* cancelled_ = nullptr;
};

}  // namespace spatten

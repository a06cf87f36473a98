// SPDX-License-Identifier: Apache-2.0
// Files, with errors that name the path as the user gave it. Reading is by pread (a file that another process truncates
// gives an error, not a SIGBUS); writing goes to a file that has no name until the end and then takes the target's, so
// that a reader sees the old contents or the new, never half, and a process that is killed leaves nothing behind.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace spatten {

/// An open file to read at any offset from any thread.
class InputFile {
 public:
  explicit InputFile(const std::string& path);
  /// Bytes that are already in memory (standard input, a test), under a name for the errors.
  static InputFile from_memory(std::string name, std::string contents);
  ~InputFile();
  InputFile(InputFile&& other) noexcept;
  InputFile(const InputFile&) = delete;
  InputFile& operator=(InputFile&&) = delete;

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  /// Reads exactly `bytes` at `offset`; throws Error when the file ends before.
  void read_at(std::uint64_t offset, void* out, std::size_t bytes) const;

 private:
  InputFile() = default;
  std::ptrdiff_t copy_contents(std::uint64_t offset, char* out, std::size_t bytes) const;

  std::string path_, contents_;  // contents_ only when there is no descriptor
  int fd_ = -1;
  std::uint64_t size_ = 0;
};

/// The whole file; throws Error when it is larger than `limit_bytes`.
std::string read_file(const std::string& path, std::uint64_t limit_bytes = std::uint64_t{1} << 30);

/// Writes a file that becomes PATH in commit(). Without commit() it vanishes. Where the file system has no nameless files it
/// is called PATH.tmp-PID until then, and only kill -9 leaves it. Through a symbolic link the file that it leads to is
/// replaced. What is no file (a device, a pipe) is written to directly, and "-" is standard output.
class OutputFile {
 public:
  explicit OutputFile(const std::string& path);
  const std::string& path() const { return path_; }
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::string_view bytes);
  void write(const void* data, std::size_t bytes) { write({static_cast<const char*>(data), bytes}); }
  /// The first half of commit(): all bytes reach the disk, and nothing can be written any more. Of several outputs all are
  /// prepared before the first is committed, so that none appears when one fails.
  void prepare();
  /// Flushes, syncs and renames; throws Error (and keeps the old file) when any of these fails.
  void commit();

 private:
  void open_device();
  void create();
  void give_name();
  void flush();
  [[noreturn]] void fail(const char* what) const;

  std::string path_, target_;  // as given, and behind symbolic links
  std::string temporary_;      // name before the last one; "" where bytes are written directly
  bool nameless_ = false;  // the file does not have that name yet
  int fd_ = -1;
  std::string pending_;
};

void write_file(const std::string& path, std::string_view contents);

bool is_directory(const std::string& path);
bool is_file(const std::string& path);
/// Something that is neither: a device, a pipe, a socket.
bool is_device(const std::string& path);
/// Whether two paths mean the same file, however they are spelled and whether it is there yet or not. Devices never do: what
/// is written to one does not replace it.
bool same_file(const std::string& a, const std::string& b);
std::string join_path(std::string_view folder, std::string_view name);

}  // namespace spatten

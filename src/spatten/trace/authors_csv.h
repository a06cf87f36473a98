// SPDX-License-Identifier: Apache-2.0
// The workload CSVs of the official repository (spatten_hardware/hardware/workloads): 17 columns, one line per
// (iteration, layer, head) of the generation stage, the path of the training config as the last line.
// Format and mapping: docs/formats/authors_csv.md. Reading the official files and writing them again gives the same bytes.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "spatten/base/file.h"
#include "spatten/trace/rules.h"
#include "spatten/trace/source.h"

namespace spatten::trace {

/// Reads a CSV in constant memory. The constructor goes over the whole file once, so that every fault is found before the
/// first record is used, and so that the header knows layers, heads and iterations (the largest seen).
/// Errors: "FILE:LINE:COLUMN: name: expected ..., found ...", columns counted from 1.
class AuthorsCsvSource final : public Source {
 public:
  explicit AuthorsCsvSource(const std::string& path) : AuthorsCsvSource(InputFile(path)) {}
  /// When `cancelled` becomes true the first pass ends and throws Cancelled; it may be null.
  explicit AuthorsCsvSource(InputFile file, const std::atomic<bool>* cancelled = nullptr);
  /// Throws the Error of a file whose first line is not that of such a CSV. `begin` is the file's beginning, as far as the
  /// first line's end or 4096 bytes or more.
  static void check_begin(InputFile begin) { static_cast<void>(AuthorsCsvSource(std::move(begin), OnlyNames{})); }

  const Header& header() const override { return header_; }
  bool next(Record& out) override;
  std::string place() const override;

 private:
  struct OnlyNames {};
  AuthorsCsvSource(InputFile begin, OnlyNames) : file_(std::move(begin)) { read_column_names(); }
  void rewind();
  void scan(const std::atomic<bool>* cancelled);
  bool read_line(std::string& line);
  bool fill_buffer();
  void read_column_names();
  void finish(std::string_view config);
  [[noreturn]] void fail(std::size_t column, const std::string& message) const;

  InputFile file_;
  std::string buffer_;             // the part of the file from offset_ - buffer_.size() on
  std::size_t buffer_at_ = 0;      // first byte of it not yet taken
  std::uint64_t offset_ = 0, line_ = 0;
  Rules rules_{Header{}};
  Header header_;
  bool finished_ = false;
};

/// Writes a CSV. The format knows the generation stage only: records of the summarization stage are left out and the
/// steps after them move up, as in the authors' own traces, which start at the first generated token. Key ids, scores,
/// row masks and the head top-k are left out too; the header keeps only `source`, as the last line.
class AuthorsCsvSink final : public Sink {
 public:
  explicit AuthorsCsvSink(const std::string& path);

  void begin(const Header& header) override;
  void write(const Record& record) override;
  /// Throws Error when no record belonged to the generation stage.
  void end() override;

  /// Records of the summarization stage that were left out.
  std::uint64_t skipped() const { return skipped_; }

 private:
  OutputFile file_;
  std::string path_, config_;
  Rules rules_{Header{}};
  std::uint64_t records_ = 0, skipped_ = 0;
  std::uint32_t prompts_ = 0;                 // summarization steps so far
  std::optional<std::uint32_t> prompt_step_;  // the last of them
};

}  // namespace spatten::trace

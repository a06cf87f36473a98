// SPDX-License-Identifier: Apache-2.0
// The workload CSVs of the official repository (spatten_hardware/hardware/workloads): 17 columns, one line per
// (iteration, layer, head) of the generation stage, the path of the training config as the last line.
// Format and mapping: docs/formats/authors_csv.md. Reading the official files and writing them again gives the same bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

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
  explicit AuthorsCsvSource(InputFile file);

  const Header& header() const override { return header_; }
  bool next(Record& out) override;

 private:
  bool read_line(std::string& line);
  void read_columns();
  bool parse(const std::string& line, Record& out);
  void scan();
  void rewind();
  [[noreturn]] void fail(std::size_t column, const std::string& message) const;

  InputFile file_;
  std::string buffer_;
  std::size_t buffer_at_ = 0;
  std::uint64_t offset_ = 0, line_ = 0;
  Header header_;
  bool finished_ = false;
};

/// Writes a CSV. Only what the authors' format can say: generation, one query row a record. Key ids, scores, the head
/// top-k and the model's sizes are left out. Throws Error for any other record.
class AuthorsCsvSink final : public Sink {
 public:
  explicit AuthorsCsvSink(const std::string& path);

  void begin(const Header& header) override;
  void write(const Record& record) override;
  void end() override;

 private:
  OutputFile file_;
  std::string path_, config_;
  std::uint64_t records_ = 0;
};

}  // namespace spatten::trace

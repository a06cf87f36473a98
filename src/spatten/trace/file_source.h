// SPDX-License-Identifier: Apache-2.0
// Reads the binary trace format (docs/formats/trace.md), block by block: at most kMaxBlockBytes and one record are held,
// whatever the file claims. Truncation, flipped bits and records against the rules are Errors "FILE:record N: ...".
#pragma once

#include <string>

#include "spatten/base/file.h"
#include "spatten/trace/record_codec.h"
#include "spatten/trace/rules.h"
#include "spatten/trace/source.h"

namespace spatten::trace {

class FileSource final : public Source {
 public:
  /// Reads and checks the header.
  explicit FileSource(const std::string& path) : FileSource(InputFile(path)) {}
  explicit FileSource(InputFile file);

  const Header& header() const override { return header_; }
  bool next(Record& out) override;
  std::string place() const override;

 private:
  void read_header();
  void next_block();
  void finish();
  std::string take(std::uint64_t bytes, const char* what);
  [[noreturn]] void fail(const std::string& message) const;

  InputFile file_;
  std::uint64_t offset_ = 0;
  Header header_;
  Rules rules_{Header{}};
  RecordDecoder decoder_;
  std::string block_;
  std::uint32_t block_left_ = 0, checksum_ = 0;
  std::uint64_t records_ = 0;
  bool finished_ = false;
};

/// Whether the file begins like a binary trace (the authors' CSVs do not).
bool is_trace_file(const InputFile& file);

}  // namespace spatten::trace

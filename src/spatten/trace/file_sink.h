// SPDX-License-Identifier: Apache-2.0
// Writes the binary trace format (docs/formats/trace.md), block by block in constant memory.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "spatten/base/file.h"
#include "spatten/trace/record_codec.h"
#include "spatten/trace/rules.h"
#include "spatten/trace/sink.h"

namespace spatten::trace {

class FileSink final : public Sink {
 public:
  /// Creates a temporary file beside `path` ("-": standard output); end() renames it. Throws Error.
  explicit FileSink(const std::string& path);
  /// Writes into a file that the caller commits after end(), perhaps together with others.
  explicit FileSink(OutputFile& file) : file_(file) {}

  void begin(const Header& header) override;
  void write(const Record& record) override;
  void end() override;

 private:
  void flush_block();

  std::optional<OutputFile> own_;  // when the sink commits it
  OutputFile& file_;
  std::unique_ptr<Rules> rules_;
  RecordEncoder encoder_;
  std::string block_;
  std::uint32_t block_records_ = 0, checksum_ = 0;
  std::uint64_t records_ = 0;
};

}  // namespace spatten::trace

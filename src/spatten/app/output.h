// SPDX-License-Identifier: Apache-2.0
// Where results go: standard output as they come, or a file that appears whole when the run has ended well.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "spatten/base/file.h"
#include "spatten/base/json.h"

namespace spatten::app {

/// Writes to standard output at once; throws Error, or ClosedPipe when nobody reads.
void print_standard_output(std::string_view text);

class Output {
 public:
  /// `path` empty or "-": standard output. A file is opened here, so that one that cannot be written fails before the run.
  explicit Output(const std::string& path);

  bool is_standard_output() const { return !file_; }
  void write(std::string_view text);
  /// One line of JSON.
  void write_json(const Json& value);
  /// What was written reaches the reader now (standard output only).
  void flush();
  /// The first half of finish(): all bytes are where they belong, the file does not have its name yet. Of several outputs all
  /// are prepared before the first is finished, so that none appears when one fails.
  void prepare();
  /// The end of a run that went well; without it a file keeps its old contents.
  void finish();

 private:
  std::optional<OutputFile> file_;
  std::string pending_;
};

}  // namespace spatten::app

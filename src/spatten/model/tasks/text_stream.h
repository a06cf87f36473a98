// SPDX-License-Identifier: Apache-2.0
// Turns a stream of token bytes into finished text: whole UTF-8 characters only, and nothing that a stop string may still
// take back.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace spatten {

class TextStream {
 public:
  explicit TextStream(std::vector<std::string> stop) : stop_(std::move(stop)) {}

  /// Adds bytes; returns the piece that is final now.
  std::string push(std::string_view bytes);
  /// The rest, at the end of generation.
  std::string finish();

  /// A stop string has appeared; the text ends before it.
  bool stopped() const { return stopped_; }
  /// All text so far, the unfinished end included.
  const std::string& text() const { return text_; }

 private:
  std::size_t safe_end() const;

  std::vector<std::string> stop_;
  std::string text_;
  std::size_t given_ = 0;
  bool stopped_ = false;
};

}  // namespace spatten

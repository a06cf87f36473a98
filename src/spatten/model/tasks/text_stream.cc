// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/text_stream.h"

#include <algorithm>

namespace spatten {
namespace {

/// Where an unfinished UTF-8 character at the end of `text` begins, or its size.
std::size_t finished_characters(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? text.size() - back : text.size();
  }
  return text.size();
}

}  // namespace

std::size_t TextStream::safe_end() const {
  std::size_t end = finished_characters(text_);
  for (const std::string& s : stop_) {  // the longest end of the text that begins a stop string
    for (std::size_t n = std::min(s.size() - 1, text_.size()); n > 0; --n) {
      if (std::string_view(text_).substr(text_.size() - n) == std::string_view(s).substr(0, n)) {
        end = std::min(end, text_.size() - n);
        break;
      }
    }
  }
  return std::max(end, given_);
}

std::string TextStream::push(std::string_view bytes) {
  if (stopped_) return "";
  text_ += bytes;
  std::size_t found = std::string::npos;
  for (const std::string& s : stop_) found = std::min(found, text_.find(s, given_));
  if (found != std::string::npos) {
    text_.resize(found);
    stopped_ = true;
    return finish();
  }
  const std::size_t end = safe_end();
  const std::string piece = text_.substr(given_, end - given_);
  given_ = end;
  return piece;
}

std::string TextStream::finish() {
  const std::string piece = text_.substr(given_);
  given_ = text_.size();
  return piece;
}

}  // namespace spatten

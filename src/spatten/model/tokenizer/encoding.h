// SPDX-License-Identifier: Apache-2.0
// A tokenized text: parallel arrays, one entry per token, and where each token stands in the original bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace spatten {

/// A range of a text, end exclusive; bytes unless a function says characters.
struct Offset {
  std::size_t begin = 0, end = 0;
  friend bool operator==(const Offset&, const Offset&) = default;
};

/// Bits of Encoding::flags.
enum TokenFlag : std::uint8_t {
  kSpecial = 1,  // a special token: added around the text, or recognised in it
  kCls = 2,      // the [CLS] that was added at the start
  kSep = 4,      // a [SEP] that was added at an end
};

/// All arrays have size() entries.
struct Encoding {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> type_ids;  // 0 first text, 1 second
  std::vector<Offset> offsets;         // bytes of the token's own text; {0, 0} for added special tokens
  std::vector<std::uint8_t> flags;     // TokenFlag

  std::size_t size() const { return ids.size(); }
  bool empty() const { return ids.empty(); }
  void push(std::int32_t id, Offset offset, std::uint8_t flag = 0, std::int32_t type_id = 0);
  /// Adds tokens begin..end-1 of `other` as part of text `type_id`.
  void append(const Encoding& other, std::size_t begin, std::size_t end, std::int32_t type_id);
  /// Keeps the first `count` tokens.
  void truncate(std::size_t count);
};

/// Byte ranges of `text` as ranges of code points (each maximal piece of invalid UTF-8 counts as one, as in Python's
/// decode(errors="replace")). A range that starts or ends inside a code point takes all of it. Throws Bug when a range
/// leaves the text.
std::vector<Offset> character_offsets(std::string_view text, const std::vector<Offset>& byte_offsets);

}  // namespace spatten

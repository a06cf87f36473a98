// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/encoding.h"

#include <algorithm>

#include "spatten/base/error.h"
#include "spatten/model/tokenizer/unicode.h"

namespace spatten {

void Encoding::push(std::int32_t id, Offset offset, std::uint8_t flag, std::int32_t type_id) {
  ids.push_back(id);
  type_ids.push_back(type_id);
  offsets.push_back(offset);
  flags.push_back(flag);
}

void Encoding::append(const Encoding& other, std::size_t begin, std::size_t end, std::int32_t type_id) {
  SPATTEN_CHECK(begin <= end && end <= other.size());
  for (std::size_t i = begin; i < end; ++i) push(other.ids[i], other.offsets[i], other.flags[i], type_id);
}

void Encoding::truncate(std::size_t count) {
  SPATTEN_CHECK(count <= size());
  ids.resize(count);
  type_ids.resize(count);
  offsets.resize(count);
  flags.resize(count);
}

std::vector<Offset> character_offsets(std::string_view text, const std::vector<Offset>& byte_offsets) {
  std::vector<std::size_t> starts;  // first byte of each code point
  for (std::size_t at = 0; at < text.size(); at += decode_utf8(text, at).bytes) starts.push_back(at);

  std::vector<Offset> out;
  out.reserve(byte_offsets.size());
  for (const Offset& o : byte_offsets) {
    SPATTEN_CHECK(o.begin <= o.end && o.end <= text.size());
    const auto after = std::upper_bound(starts.begin(), starts.end(), o.begin) - starts.begin();
    const bool at_end = o.begin == text.size();
    const auto begin = static_cast<std::size_t>(at_end ? static_cast<std::ptrdiff_t>(starts.size()) : after - 1);
    const auto end = static_cast<std::size_t>(std::lower_bound(starts.begin(), starts.end(), o.end) - starts.begin());
    out.push_back({begin, o.begin == o.end ? begin : end});
  }
  return out;
}

}  // namespace spatten

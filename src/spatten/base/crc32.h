// SPDX-License-Identifier: Apache-2.0
// CRC-32 (ISO-HDLC, the one of zip and Ethernet: reflected 0xEDB88320), byte by byte from a table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace spatten {

namespace detail {
constexpr std::array<std::uint32_t, 256> crc32_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c >> 1) ^ ((c & 1) != 0 ? 0xEDB88320u : 0u);
    table[i] = c;
  }
  return table;
}
}  // namespace detail

/// Checksum of `bytes`; give the result for earlier bytes as `before` to go on from there.
inline std::uint32_t crc32(std::string_view bytes, std::uint32_t before = 0) {
  static constexpr auto kTable = detail::crc32_table();
  std::uint32_t c = ~before;
  for (const char b : bytes) c = (c >> 8) ^ kTable[(c ^ static_cast<unsigned char>(b)) & 0xFF];
  return ~c;
}

}  // namespace spatten

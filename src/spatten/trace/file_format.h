// SPDX-License-Identifier: Apache-2.0
// Constants and byte order of the binary trace (docs/formats/trace.md), shared by its writer, its reader and the record
// codec. Little-endian throughout; counts are LEB128 varints.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace spatten::trace {

inline constexpr std::string_view kMagic{"SPTRACE\0", 8};
inline constexpr std::uint32_t kFormatVersion = 1;
inline constexpr std::uint32_t kMaxHeaderBytes = std::uint32_t{1} << 20;
/// A writer closes a block at kBlockBytes; one record with every detail at kMaxContext still fits kMaxBlockBytes.
inline constexpr std::uint32_t kBlockBytes = std::uint32_t{1} << 16;
inline constexpr std::uint32_t kMaxBlockBytes = std::uint32_t{1} << 24;

template <std::unsigned_integral T>
void put_little_endian(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xFF);
}

/// The caller has checked that sizeof(T) bytes are there.
template <std::unsigned_integral T>
T get_little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  }
  return static_cast<T>(value);
}

inline void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}

}  // namespace spatten::trace

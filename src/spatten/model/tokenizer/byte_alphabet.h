// SPDX-License-Identifier: Apache-2.0
// GPT-2 writes each byte as one printable character in its files: printable Latin-1 as itself, the other 68 bytes as
// U+0100, U+0101, ... in order (a space is U+0120).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace spatten {

/// "\x20the" -> "Ġthe"
std::string to_byte_alphabet(std::string_view bytes);
/// The inverse; nothing when a character is not of the alphabet or the text is not UTF-8.
std::optional<std::string> from_byte_alphabet(std::string_view text);

}  // namespace spatten

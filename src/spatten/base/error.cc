// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/error.h"

namespace spatten {
namespace {

std::string join(std::string_view file, std::string_view place, std::string_view message) {
  std::string text(file);
  if (!place.empty()) text += fmt::format("{}{}", text.empty() ? "" : ":", place);
  return text.empty() ? std::string(message) : fmt::format("{}: {}", text, message);
}

/// Length of the valid UTF-8 sequence at the start of `s`, 0 if there is none.
std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const std::size_t n = byte(0) < 0x80 ? 1 : byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (n == 1) return 1;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || s.size() < n) return 0;
  for (std::size_t i = 1; i < n; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  return n;
}

}  // namespace

Error::Error(std::string_view file, std::string_view place, std::string_view message)
    : std::runtime_error(join(file, place, message)) {}

Error::Error(std::string_view message) : Error("", "", message) {}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (out.size() >= limit) return out + "...";
    const std::size_t n = utf8_length(text.substr(i));
    const auto c = static_cast<unsigned char>(text[i]);
    if (n == 0 || c < 0x20 || c == 0x7F) {
      out += fmt::format("\\x{:02x}", c);
      i += 1;
    } else {
      out += text.substr(i, n);
      i += n;
    }
  }
  return out;
}

void check_failed(const char* condition, const char* file, int line) {
  throw Bug(fmt::format("{}:{}: internal error, please report it: {} does not hold", file, line, condition));
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>
#include <utf8proc.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "spatten/base/utf8.h"

namespace spatten::app {
namespace {

bool colour_is_welcome() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (no_colour == nullptr || *no_colour == '\0') && term != nullptr && std::string_view(term) != "dumb";
}

/// Code point at the start of `text` (valid UTF-8, not empty) and its bytes.
std::pair<utf8proc_int32_t, std::size_t> first_character(std::string_view text) {
  utf8proc_int32_t code = 0;
  const auto n = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                  static_cast<utf8proc_ssize_t>(text.size()), &code);
  return n > 0 ? std::pair{code, static_cast<std::size_t>(n)} : std::pair{utf8proc_int32_t{0xFFFD}, std::size_t{1}};
}

std::size_t character_width(utf8proc_int32_t code) {
  return static_cast<std::size_t>(std::max(0, utf8proc_charwidth(code)));
}

/// Each bad byte as U+FFFD, and the control characters that `keep` refuses as spaces.
template <class Keep>
std::string repaired(std::string_view text, const Keep& keep) {
  std::string out;
  while (!text.empty()) {
    const std::size_t valid = first_invalid_utf8(text);
    for (std::size_t i = 0; i < valid;) {
      const auto [code, bytes] = first_character(text.substr(i, valid - i));
      const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
      out += !control || keep(text[i]) ? text.substr(i, bytes) : std::string_view(" ");
      i += bytes;
    }
    text.remove_prefix(valid);
    if (!text.empty()) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

Terminal detect_terminal() {
  Terminal t;
  t.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  t.error_is_terminal = ::isatty(STDERR_FILENO) == 1;
  t.colour = t.out_is_terminal && colour_is_welcome();
  t.error_colour = t.error_is_terminal && colour_is_welcome();
  winsize size{};
  const int fd = t.out_is_terminal ? STDOUT_FILENO : STDERR_FILENO;
  if (::isatty(fd) == 1 && ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    t.width = std::clamp<std::size_t>(size.ws_col, 40, 200);
  }
  return t;
}

std::string styled(std::string_view text, Style style, bool colour) {
  if (!colour || style == Style::kPlain || text.empty()) return std::string(text);
  const char* code = style == Style::kBold     ? "1"
                     : style == Style::kDim    ? "2"
                     : style == Style::kStruck ? "2;9"
                     : style == Style::kGreen  ? "32"
                     : style == Style::kRed    ? "31"
                                               : "36";
  return std::string("\x1b[") + code + "m" + std::string(text) + "\x1b[0m";
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    const auto [code, bytes] = first_character(text);
    width += character_width(code);
    text.remove_prefix(bytes);
  }
  return width;
}

std::string fit(std::string_view text, std::size_t columns) {
  if (display_width(text) <= columns) return std::string(text);
  const std::string_view dots = columns >= 6 ? "..." : "";
  std::size_t used = dots.size(), end = 0;
  while (end < text.size()) {
    const auto [code, bytes] = first_character(text.substr(end));
    if (used + character_width(code) > columns) break;
    used += character_width(code);
    end += bytes;
  }
  return std::string(text.substr(0, end)) + std::string(dots);
}

std::string pad_right(std::string_view text, std::size_t columns) {
  const std::size_t width = display_width(text);
  return std::string(text) + std::string(columns > width ? columns - width : 0, ' ');
}

std::string pad_left(std::string_view text, std::size_t columns) {
  const std::size_t width = display_width(text);
  return std::string(columns > width ? columns - width : 0, ' ') + std::string(text);
}

std::string one_line(std::string_view text) {
  return repaired(text, [](char) { return false; });
}

std::string safe_text(std::string_view text) {
  return repaired(text, [](char c) { return c == '\n' || c == '\t'; });
}

std::string valid_utf8(std::string_view text) {
  return repaired(text, [](char) { return true; });
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns) {
  std::string out, line(indent, ' ');
  std::size_t used = indent;
  const auto end_line = [&] {
    if (used > indent) out += line + "\n";
    line.assign(indent, ' ');
    used = indent;
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find_first_of(" \n", at), text.size());
    const std::string_view word = text.substr(at, end - at);
    const std::size_t width = display_width(word);
    if (!word.empty()) {
      if (used > indent && used + 1 + width > columns) end_line();
      if (used > indent) line += ' ', ++used;
      line += word;
      used += width;
    }
    if (end < text.size() && text[end] == '\n') end_line();
    at = end + 1;
  }
  end_line();
  return out;
}

std::string bar(double ratio, std::size_t columns) {
  const double clamped = std::clamp(std::isfinite(ratio) ? ratio : 0.0, 0.0, 1.0);
  const auto full = static_cast<std::size_t>(std::lround(clamped * static_cast<double>(columns)));
  std::string out;
  for (std::size_t i = 0; i < columns; ++i) out += i < full ? "█" : "░";
  return out;
}

}  // namespace spatten::app

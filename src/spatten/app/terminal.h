// SPDX-License-Identifier: Apache-2.0
// What stands behind standard output and standard error: a terminal or a pipe, its width, and whether colour is welcome.
// Text is laid out in terminal columns, not bytes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace spatten::app {

struct Terminal {
  bool out_is_terminal = false, error_is_terminal = false;
  bool colour = false;        // on standard output: a terminal, no NO_COLOR, TERM is not "dumb"
  bool error_colour = false;  // the same on standard error
  std::size_t width = 80;     // columns of the terminal, 80 in a pipe
};

/// Looks at file descriptors 1 and 2 and at NO_COLOR and TERM.
Terminal detect_terminal();

enum class Style { kPlain, kBold, kDim, kStruck, kGreen, kRed, kCyan };

/// `text` between the escape codes of a style; unchanged without colour.
std::string styled(std::string_view text, Style style, bool colour);

/// Columns that valid UTF-8 text takes: 2 for wide East Asian characters, 0 for combining marks.
std::size_t display_width(std::string_view text);

/// The start of `text`, at most `columns` wide; "..." replaces what was cut.
std::string fit(std::string_view text, std::size_t columns);

/// `text` with spaces after it (or before it) up to `columns`.
std::string pad_right(std::string_view text, std::size_t columns);
std::string pad_left(std::string_view text, std::size_t columns);

/// Control characters as spaces and broken UTF-8 as U+FFFD: fit for one line of a terminal.
std::string one_line(std::string_view text);

/// The same for running text: line ends and tabs stay.
std::string safe_text(std::string_view text);
/// Only broken UTF-8 is replaced: what a model made, as it goes into a pipe or into JSON.
std::string valid_utf8(std::string_view text);

/// Words broken into lines of at most `columns`, every line after `indent` spaces.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t columns);

/// A bar of `columns` cells, the share `ratio` (0..1, clamped) of them full.
std::string bar(double ratio, std::size_t columns);

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// Charts of a page as plain HTML and SVG, without a script: stacked bars, a heat map and a roofline. Colours are names of the page's
// style variables; texts are escaped here.
#pragma once

#include <string>
#include <vector>

namespace spatten::app {

/// A part of a stacked bar: what it is (a colour variable and words for the pointer) and how long.
struct BarPart {
  std::string colour, words;
  double value = 0;
};

struct BarRow {
  std::string name, end;  ///< left and right of the bar
  std::vector<BarPart> parts;
};

/// Rows side by side on one scale; `full` is the value of a bar across the whole width (0: the largest row).
std::string bar_chart(const std::vector<BarRow>& rows, double full = 0);

/// A cell of a heat map: how much of it is filled (0..1), in which colour, and words for the pointer.
struct HeatCell {
  std::string colour, words;
  double share = 0;
};

struct HeatRow {
  std::string name, end;  ///< left and right of the cells
  std::vector<HeatCell> cells;
};

/// Rows of cells under the names of their columns; each shows its share in per cent. `corner` says what the names are.
std::string heat_map(const std::string& corner, const std::vector<std::string>& columns, const std::vector<HeatRow>& rows);

/// Colour squares with words.
std::string colour_key(const std::vector<std::pair<std::string, std::string>>& colours);

struct Roofline {
  double peak_ops_per_second = 0, peak_bytes_per_second = 0;
  double operations_per_byte = 0, ops_per_second = 0;  ///< the run; nothing is drawn for 0
};

/// Log-log: operations per byte against operations per second, the two roofs of the machine and the run's point.
std::string roofline_svg(const Roofline& roofline);

}  // namespace spatten::app

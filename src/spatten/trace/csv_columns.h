// SPDX-License-Identifier: Apache-2.0
// The 17 columns of the authors' CSV: their names, and one row as text to and from a Record.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "spatten/trace/record.h"

namespace spatten::trace {

inline constexpr std::size_t kCsvColumns = 17;

struct CsvColumn {
  const char* name;   ///< in the file's first line
  const char* field;  ///< the Record's field that it fills
};

extern const std::array<CsvColumn, kCsvColumns> kCsvColumnList;

/// Reports a fault of one column (from 0) by throwing.
using CsvFail = std::function<void(std::size_t column, const std::string& message)>;

/// Splits at commas; calls `fail` unless there are exactly 17 cells.
std::array<std::string_view, kCsvColumns> split_csv(std::string_view line, const CsvFail& fail);

/// Reads the cells into the generation record that they describe. Only the form of each cell and what the columns say of
/// one another is checked here; ranges are the business of Rules.
Record parse_csv(const std::array<std::string_view, kCsvColumns>& cells, const CsvFail& fail);

/// The line for a record, without its line end.
std::string format_csv(const Record& record);

/// The column that fills this field of the record.
std::size_t csv_column_of(std::string_view field);

}  // namespace spatten::trace

// SPDX-License-Identifier: Apache-2.0
// Any bytes as an authors' CSV: they are refused with an Error, or what was read reads back the same after an export.
#include <cstdlib>
#include <vector>

#include "spatten/base/error.h"
#include "spatten/trace/authors_csv.h"
#include "spatten/trace/csv_columns.h"
#include "spatten/trace/summary.h"

using namespace spatten;
using namespace spatten::trace;

namespace {

/// The text of an accepted file, as AuthorsCsvSink writes it line by line.
std::string exported(Source& source) {
  std::string text;
  for (const CsvColumn& column : kCsvColumnList) text += (text.empty() ? "" : ",") + std::string(column.name);
  text += "\n";
  Record record;
  while (source.next(record)) text += format_csv(record) + "\n";
  return text + source.header().source + std::string(kCsvColumns - 1, ',') + "\n";
}

std::vector<Record> all(Source& source) {
  std::vector<Record> out;
  Record record;
  while (source.next(record)) out.push_back(record);
  return out;
}

void check_accepted(const std::string& text) {
  AuthorsCsvSource first(InputFile::from_memory("first.csv", text));
  const std::string once = exported(first);
  // What was accepted is valid, so nothing below may throw.
  try {
    AuthorsCsvSource again(InputFile::from_memory("first.csv", text)), back(InputFile::from_memory("back.csv", once));
    if (!(again.header() == back.header()) || all(again) != all(back)) std::abort();
    AuthorsCsvSource twice(InputFile::from_memory("back.csv", once));
    if (exported(twice) != once) std::abort();
  } catch (const Error&) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    check_accepted(text);
    AuthorsCsvSource source(InputFile::from_memory("fuzz.csv", text));
    summarize(source);
  } catch (const Error&) {
  }
  return 0;
}

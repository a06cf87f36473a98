// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/trace_input.h"

#include "spatten/trace/authors_csv.h"
#include "spatten/trace/file_source.h"

namespace spatten::app {

std::unique_ptr<trace::Source> open_trace(const std::string& path) {
  InputFile file = path == "-" ? InputFile::from_memory("standard input", read_standard_input()) : InputFile(path);
  if (trace::is_trace_file(file)) return std::make_unique<trace::FileSource>(std::move(file));
  return std::make_unique<trace::AuthorsCsvSource>(std::move(file));
}

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
#include "spatten/trace/source.h"

namespace spatten::trace {

std::uint64_t copy(Source& source, Sink& sink) {
  std::uint64_t records = 0;
  Record record;
  sink.begin(source.header());
  while (source.next(record)) {
    sink.write(record);
    ++records;
  }
  sink.end();
  return records;
}

}  // namespace spatten::trace

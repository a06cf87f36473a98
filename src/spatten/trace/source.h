// SPDX-License-Identifier: Apache-2.0
// Where records come from: memory, a file, an authors' CSV, a run in another thread, a synthetic workload.
#pragma once

#include <string>
#include <vector>

#include "spatten/trace/sink.h"

namespace spatten::trace {

/// Records come in strictly ascending (step, layer, head) order and follow trace/rules.h. One reader, one thread.
class Source {
 public:
  virtual ~Source() = default;
  virtual const Header& header() const = 0;
  /// Fills `out` and returns true, or returns false (now and from then on) after the last record.
  /// Throws Error naming file and record when the input is broken; the source is then of no further use.
  virtual bool next(Record& out) = 0;
  /// Where the record lies that next() gave last: "FILE:LINE", "FILE:record N"; empty when it comes from no file.
  virtual std::string place() const { return {}; }
  /// Sentences: what stands in the records for something that the source could not know.
  virtual std::vector<std::string> assumptions() const { return {}; }
};

/// begin, every record, end. Returns the number of records.
std::uint64_t copy(Source& source, Sink& sink);

}  // namespace spatten::trace

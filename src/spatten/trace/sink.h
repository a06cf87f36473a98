// SPDX-License-Identifier: Apache-2.0
// Where a run's records go. A function that may be traced takes a `Sink*`; nullptr means "no sink" and costs nothing,
// so there is no class that swallows records.
#pragma once

#include "spatten/trace/record.h"

namespace spatten::trace {

/// Called in this order: begin once, write for each record in (step, layer, head) order, end once. Not thread-safe.
/// A sink that is destroyed before end() leaves nothing half-written behind.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void begin(const Header& header) = 0;
  virtual void write(const Record& record) = 0;
  virtual void end() = 0;
};

}  // namespace spatten::trace

// SPDX-License-Identifier: Apache-2.0
// A trace cut where the chip has to wait (ChipSpec::barrier), and which pieces are alike. Two segments whose records differ
// in nothing but the number of their step and layer take the same cycles: choices that stand in for missing values depend on
// counts and seeds only, and the regions of layers lie so that they differ in the rows of the DRAM alone (trace_rows.cc). So
// one of them is simulated, and its result serves the others.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "spatten/sim/accelerator/result.h"
#include "spatten/sim/accelerator/spec.h"
#include "spatten/trace/source.h"

namespace spatten::sim {

class SegmentCutter {
 public:
  /// `source` outlives it; barrier is not kNone.
  SegmentCutter(trace::Source& source, ChipSpec::Barrier barrier) : source_(source), barrier_(barrier) {}
  /// Records of the next segment, empty at the end.
  std::vector<trace::Record> next();

 private:
  trace::Source& source_;
  ChipSpec::Barrier barrier_;
  std::optional<trace::Record> first_;
};

/// What was found for segments so far, by their records.
class SegmentResults {
 public:
  /// The result of a segment like this one, told for its step and layers; nullptr when there is none.
  std::shared_ptr<const Result> find(const std::vector<trace::Record>& records) const;
  /// Forgets old ones when it holds many.
  void keep(const std::vector<trace::Record>& records, std::shared_ptr<const Result> result);

 private:
  struct Entry {
    std::vector<trace::Record> records;  // of step 0, layers from 0
    std::shared_ptr<const Result> result;
  };
  std::unordered_multimap<std::uint64_t, Entry> entries_;
};

/// Whether `a` and `b` are alike in the sense above.
bool segments_alike(const std::vector<trace::Record>& a, const std::vector<trace::Record>& b);

/// `result` of a segment, told for another one like it.
Result retold(const Result& result, const std::vector<trace::Record>& records);

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
#include "spatten/trace/memory.h"

#include "spatten/base/error.h"

namespace spatten::trace {

void MemorySink::begin(const Header& header) {
  header_ = header;
  records_.clear();
  ended_ = false;
}

void MemorySink::write(const Record& record) {
  SPATTEN_CHECK(!ended_);
  records_.push_back(record);
}

void MemorySink::end() { ended_ = true; }

bool MemorySource::next(Record& out) {
  if (next_ == records_.size()) return false;
  out = records_[next_++];
  return true;
}

}  // namespace spatten::trace

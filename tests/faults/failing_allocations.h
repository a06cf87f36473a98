// SPDX-License-Identifier: Apache-2.0
// Memory that runs out on demand. The program that links failing_allocations.cc has its operator new and the project's
// aligned allocation (base/allocate) counted, on all threads; one of them, or all from one on, fail.
#pragma once

#include <cstdint>

namespace spatten {

/// While it lives, allocation number `first` (from 1) fails, and with `kForever` all that follow. One at a time.
class FailingAllocations {
 public:
  enum class Mode : std::uint8_t { kOnce, kForever };

  FailingAllocations(std::uint64_t first, Mode mode);
  ~FailingAllocations();
  FailingAllocations(const FailingAllocations&) = delete;
  FailingAllocations& operator=(const FailingAllocations&) = delete;

  /// Whether any has failed so far.
  bool happened() const;
};

}  // namespace spatten

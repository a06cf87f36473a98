// SPDX-License-Identifier: Apache-2.0
// Reader of memory traces (docs/formats/dram_trace.md): one access per line, read front to back in bounded memory.
//
//   #! q=16 g=0      first line, optional: most reads in flight per channel, and in all with strict order (0: no limit)
//   @ 3893           later accesses are not offered before this clock
//   0x1200 R         a read; 0x1200 W a write; flat byte address
//   # anything       a comment
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "spatten/base/input_stream.h"
#include "spatten/sim/core/cycles.h"

namespace spatten::sim {

struct DramTraceLimits {
  std::uint32_t reads_per_channel = 0;  // 0: not said
  std::uint32_t reads_in_all = 0;       // 0: no limit
};

struct DramTraceAccess {
  std::uint64_t address = 0;
  bool is_write = false;
  Cycles not_before = 0;
};

class DramTraceReader {
 public:
  static constexpr std::size_t kMaxLineBytes = 4096;
  static constexpr std::uint32_t kMaxReads = 1u << 20;  // of q and g
  static constexpr Cycles kMaxClock = Cycles{1} << 60;

  /// Reads the first line. Throws Error.
  explicit DramTraceReader(InputStream stream);

  const DramTraceLimits& limits() const { return limits_; }
  /// Addresses are checked from here on: multiples of `access_bytes` below `capacity_bytes`.
  void set_device(std::uint64_t capacity_bytes, std::uint32_t access_bytes);

  /// The next access; false at the end. Throws Error "FILE:LINE: expected ..., found ...".
  bool next(DramTraceAccess& out);
  /// Of the line that was read last, from 1.
  std::uint64_t line_number() const { return line_number_; }

 private:
  bool next_line(std::string_view& line);
  bool fill();
  void read_limits(std::string_view line);
  void read_clock(std::string_view line);
  bool read_access(std::string_view line, DramTraceAccess& out) const;
  void check_address(std::uint64_t address, std::string_view line) const;
  [[noreturn]] void fail(const std::string& message) const;
  [[noreturn]] void fail_expected(std::string_view wanted, std::string_view line) const;

  InputStream stream_;
  std::string buffer_;
  std::size_t used_ = 0;
  bool at_end_ = false, pending_ = false, any_ = false;  // any_: an access was read
  std::string_view pending_line_;                        // the first line when it was no #!
  std::uint64_t line_number_ = 0, capacity_ = ~std::uint64_t{0}, alignment_mask_ = 0;
  DramTraceLimits limits_;
  Cycles not_before_ = 0;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// The memory contract: independent channels, each taking one 32-byte access per clock and giving reads back later. The chip
// and the trace replay know nothing else of a memory; `Hbm` (timing from a file) and `IdealMemory` implement it.
//
// One clock of one channel, in this order: at most one offer(), take() until it has nothing more or the caller has no room,
// tick(). A channel that says when it has something to do (next_event) need not be ticked before.
#pragma once

#include <cstdint>
#include <optional>

#include "spatten/sim/core/cycles.h"

namespace spatten::sim {

/// One access of `Memory::access_bytes()` bytes. `address` is inside the channel: the caller has split the flat address.
struct MemoryAccess {
  std::uint64_t address = 0;  ///< byte address in the channel, a multiple of access_bytes()
  bool is_write = false;
  std::uint32_t tag = 0;  ///< given back with the data
};

class MemoryChannel {
 public:
  virtual ~MemoryChannel() = default;

  /// Offers an access before the tick `now`. False: no room, ask again in a later clock.
  virtual bool offer(const MemoryAccess& access, Cycles now) = 0;

  /// The tag of a read whose data came back during a tick before `now`, in the order in which they came; each tag once.
  /// Writes are posted: they have no answer.
  virtual std::optional<std::uint32_t> take(Cycles now) = 0;

  /// The clock `now`. Strictly later than the last one; clocks in between are allowed to be skipped when next_event() said
  /// that nothing would happen in them and nothing was offered.
  virtual void tick(Cycles now) = 0;

  /// The earliest clock after the last tick in which tick() changes anything but time or take() has an answer, as long as
  /// nothing is offered. kNever when idle for good (refresh of an idle channel may be caught up later).
  virtual Cycles next_event() const = 0;

  /// Accepted accesses that are not finished: reads whose data are not back, writes that are not on the bus.
  virtual std::uint32_t unfinished() const = 0;
};

}  // namespace spatten::sim

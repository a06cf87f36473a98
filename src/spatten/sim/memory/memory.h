// SPDX-License-Identifier: Apache-2.0
// The memory contract: independent channels, each taking one access per clock and giving reads back later. The chip and
// the trace replay know nothing else of a memory; `DramChannel` (timing from a file) and `IdealChannel` implement it.
//
// One clock of one channel, in this order: at most one offer(), take() until it has nothing more or the caller has no
// room, tick(). A channel that says when it has something to do (next_event) need not be ticked before. Channels share
// nothing: different threads may run different ones.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spatten/sim/core/cycles.h"

namespace spatten::sim {

/// One access of `Memory::access_bytes()` bytes. `address` is inside the channel: the caller has split the flat
/// address.
struct MemoryAccess {
  std::uint64_t address = 0;  ///< byte address in the channel, a multiple of access_bytes()
  bool is_write = false;
  std::uint32_t tag = 0;  ///< given back with the data
};

/// What one channel, or all of them, did. An access is a hit, a miss (its bank was closed) or a conflict (another row
/// was open) by the state of its bank when the first command for it was issued; one that the end of a run finds without
/// any command is none of the three.
struct MemoryStats {
  std::uint64_t reads = 0, writes = 0;
  std::uint64_t row_hits = 0, row_misses = 0, row_conflicts = 0;
  std::uint64_t activates = 0, precharges = 0, refreshes = 0;
  std::uint64_t busy_cycles = 0;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("reads", s.reads, "access", "read commands on the bus");
    f("writes", s.writes, "access", "write commands on the bus");
    f("row_hits", s.row_hits, "access", "accesses that found their row open");
    f("row_misses", s.row_misses, "access", "accesses that found their bank closed");
    f("row_conflicts", s.row_conflicts, "access", "accesses that found another row open");
    f("activates", s.activates, "command", "rows opened");
    f("precharges", s.precharges, "command", "precharge commands; one that closes all banks counts once");
    f("refreshes", s.refreshes, "command", "refresh commands, one per pseudo-channel");
    f("busy_cycles", s.busy_cycles, "cycle", "clocks with an unfinished access, summed over channels");
  }
  MemoryStats& operator+=(const MemoryStats& other);
};

/// What comes of one clock of a channel for a requester that takes at most one answer in it; `next` is the clock in
/// which it has to look for an answer again.
struct ChannelSent {
  bool accepted = false;
  Cycles next = kNever;
};
struct ChannelReceived {
  bool answered = false;  ///< `tag` is that of a read whose data are back
  std::uint32_t tag = 0;
  Cycles next = kNever;
};

class MemoryChannel {
 public:
  virtual ~MemoryChannel() = default;

  /// Offers an access before the tick `now`. False: no room, ask again in a later clock.
  virtual bool offer(const MemoryAccess& access, Cycles now) = 0;

  /// The tag of a read whose data came back during a tick before `now`, in the order in which they came; each tag once.
  /// Writes are posted: they have no answer.
  virtual std::optional<std::uint32_t> take(Cycles now) = 0;

  /// The clock `now`. Strictly later than the last one; clocks in between are allowed to be skipped when next_event()
  /// said that nothing would happen in them and nothing was offered.
  virtual void tick(Cycles now) = 0;

  /// The earliest clock after the last tick in which tick() changes anything but time or take() has an answer, as long
  /// as nothing is offered. kNever when idle for good (refresh of an idle channel may be caught up later).
  virtual Cycles next_event() const = 0;

  /// The same for a requester that takes one answer per clock and counts nothing in between: a channel may lag behind
  /// what it was given. In one clock at most one send(), then at most one receive(), which has an answer only if it is
  /// wanted. Whoever uses these uses none of the four above; a last tick() catches up with the time of all that was given.
  virtual ChannelSent send(const MemoryAccess& access, Cycles now) = 0;
  virtual ChannelReceived receive(bool wanted, Cycles now) = 0;

  /// Accepted accesses that are not finished: reads whose data are not back, writes that are not on the bus.
  virtual std::uint32_t unfinished() const = 0;

  /// The clock after the last one in which data of an issued access are on the bus; 0 when nothing was issued.
  virtual Cycles data_end() const = 0;

  /// Counted up to the last tick, or as far as a channel behind send() has gone.
  virtual MemoryStats stats() = 0;
};

/// Where a flat byte address lies.
struct ChannelAddress {
  std::uint32_t channel = 0;
  std::uint64_t address = 0;
};

/// Energy of one event, in picojoules. Standing power is not included.
struct MemoryEnergy {
  double activate_pj = 0, read_pj = 0, write_pj = 0, refresh_pj = 0;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("activate_pj", s.activate_pj, "pJ", "one activate and its precharge");
    f("read_pj", s.read_pj, "pJ", "one read of access_bytes, array to pins");
    f("write_pj", s.write_pj, "pJ", "one write of access_bytes, pins to array");
    f("refresh_pj", s.refresh_pj, "pJ", "one refresh command of one pseudo-channel");
  }
  double of(const MemoryStats& stats) const;
};

/// What is fixed about a memory.
struct MemoryFacts {
  std::string name;
  std::uint32_t channels = 16;          // a power of two
  std::uint32_t access_bytes = 32;      // a power of two
  std::uint64_t channel_bytes = 0;      // reachable bytes of one channel
  double clock_hz = 1e9;                // of tick()
  double channel_bytes_per_clock = 32;  // the most that the data bus of one channel moves
  std::uint32_t pending_limit = 16;     // see Memory::pending_limit()
  MemoryEnergy energy;
};

/// All channels of a memory. Movable by its pointer only; make_memory() in make_memory.h builds one from a text.
class Memory {
 public:
  Memory(MemoryFacts facts, std::vector<std::unique_ptr<MemoryChannel>> channels);

  const std::string& name() const { return facts_.name; }
  std::uint32_t channels() const { return facts_.channels; }
  MemoryChannel& channel(std::uint32_t index) { return *channels_[index]; }
  const MemoryChannel& channel(std::uint32_t index) const { return *channels_[index]; }

  std::uint32_t access_bytes() const { return facts_.access_bytes; }
  std::uint64_t capacity_bytes() const { return facts_.channel_bytes * facts_.channels; }
  double clock_hz() const { return facts_.clock_hz; }
  /// The most that all data buses move in one clock: 512 for the paper's HBM2.
  double peak_bytes_per_clock() const { return facts_.channel_bytes_per_clock * facts_.channels; }

  /// Reads that the requester may have under way in one channel. offer() does not look at it, because requesters count
  /// differently: the authors' bridge until take() has handed the data out, the replay of a trace until they are back.
  std::uint32_t pending_limit() const { return facts_.pending_limit; }

  /// Channels are interleaved at access_bytes(): the bits above the offset choose the channel, the rest moves down.
  ChannelAddress split(std::uint64_t address) const {
    const std::uint64_t line = address >> offset_bits_;
    return {static_cast<std::uint32_t>(line & (facts_.channels - 1)),
            ((line >> channel_bits_) << offset_bits_) | (address & (facts_.access_bytes - 1))};
  }

  MemoryStats stats() const;  // all channels
  const MemoryEnergy& energy() const { return facts_.energy; }
  double energy_pj() const { return facts_.energy.of(stats()); }

 private:
  MemoryFacts facts_;
  std::vector<std::unique_ptr<MemoryChannel>> channels_;
  unsigned offset_bits_, channel_bits_;
};

}  // namespace spatten::sim

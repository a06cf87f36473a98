// SPDX-License-Identifier: Apache-2.0
// The door to DRAM (Fig. 8 #14): one queue per channel in front of the memory, one answer per channel and cycle behind
// it. Reads under way in a channel are limited by the memory's pending limit, counted until their answer stands at the
// data crossbar. A read that is refused waits in the one register of its channel, and no other read comes until it is
// taken. Outputs of the chip are written when a channel has no read to offer, or when too many wait.
#pragma once

#include <deque>
#include <vector>

#include "spatten/sim/memory/memory.h"
#include "spatten/sim/units/crossbar.h"

namespace spatten::sim {

/// An output row to be written: `accesses` accesses from `address` on.
struct OutputWrite {
  std::uint64_t address = 0;
  std::uint32_t accesses = 0;
};

class MemoryUnit final : public Unit, private LaneDrain {
 public:
  LaneIn<ChannelAccess> in;    // from the address crossbar
  InPort<OutputWrite> writes;  // from prob x V
  LaneOut<std::uint32_t> out;  // to the data crossbar: which lane asked

  /// `memory` lives longer than this.
  explicit MemoryUnit(Memory& memory);
  Tick tick(Cycles now) override;
  Counters counters() const override;
  std::string holding() const override;

  std::uint64_t bytes_written() const { return written_ * memory_.access_bytes(); }
  /// Whether every write is on the memory's bus, but for those that a controller keeps until more come (bank_queues.h).
  bool drained() const;

 private:
  LaneMask leaving(Cycles now) override;
  void look(Cycles now);
  // Each returns the channels in which something moved.
  LaneMask send_reads(LaneMask channels, Cycles now);
  LaneMask send_writes(LaneMask channels, Cycles now);
  LaneMask receive(LaneMask channels, Cycles now);
  void spread(const OutputWrite& write);

  Memory& memory_;
  std::vector<MemoryChannel*> channels_;
  std::vector<Cycles> next_;                       // per channel: when to look for an answer
  std::vector<std::uint32_t> places_;              // per channel: reads that it takes before an answer must be taken
  std::vector<std::deque<std::uint64_t>> queued_;  // per channel: writes, by their addresses in it
  LaneMask writing_ = 0, urgent_ = 0;              // channels with writes, with too many
  // Channels at the beginning of cycle looked_at_: those that take a read in it if the memory does, those whose memory
  // refused one in spite of that, those with room for an answer.
  Cycles looked_at_ = kNever;
  LaneMask taking_ = 0, crowded_ = 0, answering_ = 0;
  std::uint64_t reads_ = 0;  // whose answer was not taken
  std::uint64_t written_ = 0, waiting_writes_ = 0;
};

}  // namespace spatten::sim

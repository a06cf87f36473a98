// SPDX-License-Identifier: Apache-2.0
// Scheduler with a queue per bank (the policy of DRAMsim3, configs/memory/hbm2-d3): each pseudo-channel has a
// controller and command buses of its own. A transaction queue hands one access per clock to the queue of its bank; the
// banks are polled in turn for a command that may go now. A refresh that is due stops its pseudo-channel, closes its
// banks one by one and goes. Posted writes wait until enough of them are there: a few may stay behind when no more
// come.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "spatten/sim/memory/address_map.h"
#include "spatten/sim/memory/channel_books.h"
#include "spatten/sim/memory/dram_timing.h"

namespace spatten::sim {

/// The controller of one pseudo-channel.
class PseudoChannelQueues {
 public:
  struct Access {
    std::uint64_t address;
    std::uint32_t row, tag;
    std::uint8_t bank;  // of the channel
    bool is_write;
    bool counted;  // as hit, miss or conflict
    bool shared;   // other reads wait for the same data
  };

  PseudoChannelQueues(const DramSpec& spec, const DramTables& tables, ChannelBooks& books, DramState& state,
                      std::uint32_t index);

  bool offer(const MemoryAccess& access, AddressMap::Place place, Cycles now);
  Cycles step(Cycles now);
  bool idle() const {
    return reads_.empty() && commands_ == 0 && draining_ == 0 && writes_.size() <= controller_.writes_start;
  }
  void shift(Cycles by) { refresh_due_ += refresh_due_ == kNever ? 0 : by; }

 private:
  struct Choice {
    DramCommand command;
    std::uint32_t bank;    // of this pseudo-channel
    std::size_t position;  // in the queue of that bank
    bool is_column() const { return command == DramCommand::kRead || command == DramCommand::kWrite; }
  };
  using Queue = std::vector<Access>;  // capacity is fixed: nothing is allocated after construction

  std::uint32_t channel_bank(std::uint32_t bank) const { return first_bank_ + bank; }
  bool write_waits(std::uint64_t address, std::uint32_t bank) const;
  Access* waiting_read(std::uint64_t address, std::uint32_t bank);

  bool refresh_clock(Cycles now);
  std::optional<Choice> poll(Cycles now);
  std::optional<Choice> first_ready(std::uint32_t bank, Cycles now);
  bool may_close(std::uint32_t bank) const;
  bool read_before(const Queue& queue, std::size_t position) const;
  bool ready(DramCommand command, std::uint32_t bank, Cycles now);

  void issue(const Choice& choice, Cycles now);
  void issue_column(const Choice& choice, Cycles now);
  void count_row(Access& access, std::uint64_t MemoryStats::*counter);

  bool schedule_transaction();
  bool move_first(Queue& from, bool& depends);

  const DramController controller_;
  const DramTables& tables_;
  ChannelBooks& books_;
  DramState& state_;
  const std::uint32_t index_, banks_, first_bank_;

  Queue reads_, writes_;             // transactions, oldest first
  std::vector<Queue> queues_;        // per bank
  std::vector<std::uint32_t> hits_;  // column commands since the row was opened
  std::vector<std::pair<std::uint64_t, std::uint32_t>>
      shared_;  // address and tag of reads that share the data of a waiting one
  std::uint64_t queued_banks_ = 0;
  std::uint32_t commands_ = 0;  // in all bank queues
  std::uint32_t turn_ = 0;      // bank that was polled last
  std::size_t draining_ = 0;    // writes that still go before reads
  bool refreshing_ = false;
  Cycles refresh_due_ = kNever, earliest_ = kNever;
};

class BankQueues {
 public:
  BankQueues(const DramSpec& spec, const DramTables& tables, ChannelBooks& books);

  bool offer(const MemoryAccess& access, Cycles now);
  void step(Cycles now);
  // See first_ready.h: it never lags.
  static bool takes_later(std::uint64_t, std::size_t) { return false; }
  static bool is_watched() { return true; }
  Cycles next_step() const { return *std::min_element(wakes_.begin(), wakes_.end()); }
  bool idle() const;
  void shift(Cycles by);

 private:
  const AddressMap map_;
  DramState state_;
  std::vector<PseudoChannelQueues> parts_;
  std::vector<Cycles> wakes_;
};

}  // namespace spatten::sim

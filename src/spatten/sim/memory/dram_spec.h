// SPDX-License-Identifier: Apache-2.0
// A DRAM as data: organisation, address map, which command may follow which after how many clocks, controller, energy.
// Read from configs/memory/*.json (docs/formats/memory.md); nothing about a technology is in the code.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "spatten/base/json.h"
#include "spatten/sim/memory/memory.h"

namespace spatten::sim {

enum class DramCommand : std::uint8_t { kActivate, kPrecharge, kPrechargeAll, kRead, kWrite, kRefresh };
inline constexpr std::size_t kDramCommands = 6;

/// Where a rule holds: between two commands to the same channel, pseudo-channel, bank group of a pseudo-channel, or
/// bank.
enum class DramLevel : std::uint8_t { kChannel, kPseudoChannel, kBankGroup, kBank };
inline constexpr std::size_t kDramLevels = 4;

enum class AddressPart : std::uint8_t { kColumn, kPseudoChannel, kBankGroup, kBank, kRow };

std::vector<std::pair<DramCommand, std::string>> enum_names(DramCommand);
std::vector<std::pair<DramLevel, std::string>> enum_names(DramLevel);
std::vector<std::pair<AddressPart, std::string>> enum_names(AddressPart);

struct DramOrganization {
  std::uint32_t pseudo_channels = 1, bank_groups = 1, banks = 1, rows = 1, columns = 1;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("pseudo_channels", s.pseudo_channels, "", "pseudo-channels of a channel, each with data pins of its own");
    f("bank_groups", s.bank_groups, "", "bank groups of a pseudo-channel");
    f("banks", s.banks, "", "banks of a bank group");
    f("rows", s.rows, "", "rows of a bank");
    f("columns", s.columns, "access", "accesses of access_bytes in one row of a bank");
  }
  std::uint32_t banks_per_pseudo_channel() const { return bank_groups * banks; }
  std::uint32_t all_banks() const { return pseudo_channels * bank_groups * banks; }
};

/// Named clock counts (JEDEC names); rules are sums of them.
struct DramClocks {
  std::uint32_t nBL = 1, nCL = 1, nCWL = 1, nRCDRD = 1, nRCDWR = 1, nRP = 1, nRAS = 1, nRC = 2, nRRDS = 1, nRRDL = 1,
                nFAW = 1;
  std::uint32_t nCCDS = 1, nCCDL = 1, nRTP = 1, nWR = 1, nWTRS = 1, nWTRL = 1, nRFC = 1, nREFI = 1000;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("nBL", s.nBL, "clock", "an access on the data bus");
    f("nCL", s.nCL, "clock", "read to first datum");
    f("nCWL", s.nCWL, "clock", "write to first datum");
    f("nRCDRD", s.nRCDRD, "clock", "activate to read");
    f("nRCDWR", s.nRCDWR, "clock", "activate to write");
    f("nRP", s.nRP, "clock", "precharge to activate");
    f("nRAS", s.nRAS, "clock", "activate to precharge");
    f("nRC", s.nRC, "clock", "activate to activate, same bank; not below nRAS + nRP");
    f("nRRDS", s.nRRDS, "clock", "activate to activate, other bank group");
    f("nRRDL", s.nRRDL, "clock", "activate to activate, same bank group");
    f("nFAW", s.nFAW, "clock", "window that may hold four activates");
    f("nCCDS", s.nCCDS, "clock", "column command to column command, other bank group");
    f("nCCDL", s.nCCDL, "clock", "column command to column command, same bank group");
    f("nRTP", s.nRTP, "clock", "read to precharge");
    f("nWR", s.nWR, "clock", "last datum written to precharge");
    f("nWTRS", s.nWTRS, "clock", "last datum written to read, other bank group");
    f("nWTRL", s.nWTRL, "clock", "last datum written to read, same bank group");
    f("nRFC", s.nRFC, "clock", "refresh to activate");
    f("nREFI", s.nREFI, "clock", "refresh to refresh, on average");
  }
};

/// After any command of `from`, none of `to` at the same node of `level` for `clocks`. With a window of n, counted from
/// the n-th last such command: n + 1 of them take at least that long.
struct DramRule {
  DramLevel level = DramLevel::kBank;
  std::vector<DramCommand> from, to;
  std::string clocks;  // "nCWL + nBL + nWR", "nRP - 1", "2"
  std::uint32_t window = 1;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("level", s.level, "", "the two commands meet in the same ...");
    f("from", s.from, "", "earlier command, any of");
    f("to", s.to, "", "later command, any of");
    f("clocks", s.clocks, "clock", "least distance: a sum of numbers and of names of timing.clocks");
    f("window", s.window, "command", "counted from the window-th last earlier command");
  }
};

struct DramTimingSpec {
  DramClocks clocks;
  std::string read_latency = "nCL + nBL", write_latency = "nCWL + nBL";
  std::vector<DramRule> rules;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("clocks", s.clocks, "", "named clock counts");
    f("read_latency", s.read_latency, "clock", "read command to last datum, a sum as in a rule");
    f("write_latency", s.write_latency, "clock", "write command to last datum, a sum as in a rule");
    f("rules", s.rules, "", "which command waits for which");
  }
};

enum class DramScheduler : std::uint8_t {
  kFirstReady,  ///< one queue per channel: the oldest access whose next command may go (FR-FCFS without row preference)
  kBankQueues,  ///< per pseudo-channel: a transaction queue feeds queues of the banks, which are polled in turn
};
enum class CommandBus : std::uint8_t { kOne, kRowAndColumn };
enum class BlockedPrecharge : std::uint8_t { kSkipped, kEndsTheClock };
enum class ReturnOrder : std::uint8_t { kOwnTags, kRequestOrder };
enum class RefreshPolicy : std::uint8_t { kNone, kInOrder, kDrain };

std::vector<std::pair<DramScheduler, std::string>> enum_names(DramScheduler);
std::vector<std::pair<CommandBus, std::string>> enum_names(CommandBus);
std::vector<std::pair<BlockedPrecharge, std::string>> enum_names(BlockedPrecharge);
std::vector<std::pair<ReturnOrder, std::string>> enum_names(ReturnOrder);
std::vector<std::pair<RefreshPolicy, std::string>> enum_names(RefreshPolicy);

struct DramController {
  DramScheduler scheduler = DramScheduler::kFirstReady;
  CommandBus command_bus = CommandBus::kRowAndColumn;
  std::uint32_t read_queue = 32, write_queue = 32, writes_start = 25, writes_stop = 7, bank_queue = 8, hit_limit = 4;
  BlockedPrecharge blocked_precharge = BlockedPrecharge::kSkipped;
  bool forward_writes = true, merge_writes = true, merge_reads = false;
  ReturnOrder returns = ReturnOrder::kOwnTags;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("scheduler", s.scheduler, "",
      "first_ready: one queue per channel, oldest legal command; bank_queues: per pseudo-channel, banks in turn");
    f("command_bus", s.command_bus, "",
      "commands per clock: one, or one for rows and one for columns; bank_queues has them per pseudo-channel");
    f("read_queue", s.read_queue, "access",
      "reads that wait for their first command, at most 64 (bank_queues: for a place in a bank's queue, at most 4096)");
    f("write_queue", s.write_queue, "access", "the same for writes");
    f("writes_start", s.writes_start, "access",
      "writes go first when more than this many wait; bank_queues: only if no command waits, else when full");
    f("writes_stop", s.writes_stop, "access",
      "reads go first again when fewer than this many writes wait (first_ready)");
    f("bank_queue", s.bank_queue, "access", "depth of a bank's queue (bank_queues)");
    f("hit_limit", s.hit_limit, "access", "accesses to an open row after which a conflict may close it (bank_queues)");
    f("blocked_precharge", s.blocked_precharge, "",
      "a precharge whose bank is being read: other commands go instead, or none in that clock (first_ready)");
    f("forward_writes", s.forward_writes, "", "a read of a waiting write's address is answered at once");
    f("merge_writes", s.merge_writes, "", "a write of a waiting write's address is dropped");
    f("merge_reads", s.merge_reads, "", "a read of a waiting read's address shares its data (bank_queues)");
    f("returns", s.returns, "",
      "own_tags, or request_order: the k-th data of a channel carry the tag of its k-th read");
  }
};

struct DramRefresh {
  RefreshPolicy policy = RefreshPolicy::kNone;
  std::uint32_t first = 0;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("policy", s.policy, "",
      "none; in_order: one queue per channel, nothing new starts while it holds a refresh; drain: each pseudo-channel "
      "on its own");
    f("first", s.first, "clock", "clock in which the first refresh falls due; then every nREFI");
  }
};

struct DramSpec {
  std::string name, source;
  double clock_hz = 1e9;
  std::uint32_t channels = 16, access_bytes = 32, pending = 16;
  DramOrganization organization;
  std::vector<AddressPart> address_map;
  DramTimingSpec timing;
  DramController controller;
  DramRefresh refresh;
  MemoryEnergy energy;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("name", s.name, "", "one line");
    f("source", s.source, "", "where the numbers come from");
    f("clock_hz", s.clock_hz, "Hz", "command clock");
    f("channels", s.channels, "", "channels, interleaved at access_bytes");
    f("access_bytes", s.access_bytes, "byte", "one access");
    f("pending", s.pending, "access", "reads that the requester may have under way in a channel");
    f("organization", s.organization, "", "what a channel consists of");
    f("address_map", s.address_map, "",
      "parts of the address in the channel from the lowest bit above the access up, each once");
    f("timing", s.timing, "", "clock counts and rules");
    f("controller", s.controller, "", "queues and the order of commands");
    f("refresh", s.refresh, "", "when and how");
    f("energy", s.energy, "", "per event");
  }
  /// Ranges, rules between keys, and what the timing rules must hold. Fails at the key.
  void validate(const JsonNode& node) const;

  std::uint64_t channel_bytes() const;
};

/// Value of a sum like "nCL + nBL + 2 - nCWL". Throws Error that names the word which is no number and no clock count,
/// or says that the sum is not in 1 .. 2^20.
std::uint32_t evaluate_clocks(const std::string& sum, const DramClocks& clocks);

/// Reads and checks a file, then lays overrides ("timing.clocks.nRC=50") over it and checks again.
DramSpec load_dram_spec(const std::string& path, const std::vector<std::string>& overrides = {});
DramSpec read_dram_spec(const JsonNode& root);

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// The two crossbars between the fetcher's lanes and the DRAM channels (HPCA'21 IV-A, Fig. 8 #4 and #5): addresses 32 ->
// 16, data 16 -> 32. Each output takes at most one item per cycle.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "spatten/sim/core/lane_port.h"
#include "spatten/sim/units/qkv_fetcher.h"

namespace spatten::sim {

/// An access inside a channel.
struct ChannelAccess {
  std::uint64_t address = 0;
  std::uint32_t lane = 0;
};

/// Who wins a channel: the lowest lane (published RTL), the next one after the last winner, or the lane whose access belongs
/// to the oldest set, since a set comes back as a whole. The first two keep their choice until it is served.
enum class Arbitration : std::uint8_t { kLowestFirst, kRoundRobin, kOldestFirst };
inline std::vector<std::pair<Arbitration, std::string>> enum_names(Arbitration) {
  return {{Arbitration::kLowestFirst, "lowest_first"},
          {Arbitration::kRoundRobin, "round_robin"},
          {Arbitration::kOldestFirst, "oldest_first"}};
}

struct CrossbarSpec {
  Arbitration arbitration = Arbitration::kOldestFirst;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("arbitration", s.arbitration, "", "who wins a channel; published RTL: lowest_first");
  }
};

struct CrossbarStats {
  std::uint64_t transfers = 0, conflicts = 0;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("transfers", s.transfers, "access", "items passed on");
    f("conflicts", s.conflicts, "cycle", "items that lost their output to another in a cycle, summed");
  }
};

class AddressCrossbar final : public Unit {
 public:
  LaneIn<LaneAccess> in;       // from the fetcher's lanes
  LaneOut<ChannelAccess> out;  // to the memory, one lane per channel

  /// Channel and address of a flat address: bits above the access's offset choose the channel. Addresses past the
  /// memory's capacity wrap, as its row bits do.
  AddressCrossbar(const CrossbarSpec& spec, std::uint32_t lanes, std::uint32_t channels, std::uint32_t access_bytes,
                  std::uint64_t capacity_bytes);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }
  std::string holding() const override { return in.empty() ? "" : "addresses"; }

 private:
  std::uint32_t channel_of(std::uint64_t address) const {
    return static_cast<std::uint32_t>(address >> offset_bits_) & (channels_ - 1);
  }

  std::uint64_t inside(std::uint64_t address) const {
    const std::uint64_t inside = address >> (offset_bits_ + channel_bits_) << offset_bits_;
    return inside < channel_bytes_ ? inside : inside % channel_bytes_;
  }

  void learn(LaneMask lanes);
  std::uint32_t oldest(LaneMask lanes) const;
  std::uint32_t winner(std::uint32_t channel) const;

  Arbitration arbitration_;
  std::uint32_t channels_;
  std::uint64_t channel_bytes_;
  unsigned offset_bits_, channel_bits_;
  CrossbarStats stats_;
  LaneMask known_ = 0, asked_ = 0;     // lanes whose item is in wanted_; channels that are wanted
  std::array<std::uint64_t, 64> age_{};   // per lane: set and, as its low 6 bits, lane
  std::array<LaneMask, 64> wanted_{};       // per channel: lanes
  std::array<std::uint32_t, 64> locked_{};  // per channel: lane + 1 that was chosen and not served
  std::array<std::uint32_t, 64> next_{};    // per channel: the lane after the last winner
};

class DataCrossbar final : public Unit {
 public:
  LaneIn<std::uint32_t> in;  // from the memory, one lane per channel: the fetcher's lane that asked
  LaneCountOut out;          // to the fetcher's lanes

  DataCrossbar(std::uint32_t lanes, std::uint32_t channels);
  Tick tick(Cycles now) override;
  Counters counters() const override { return list_counters(stats_); }
  const CrossbarStats& stats() const { return stats_; }
  std::string holding() const override { return in.empty() ? "" : "data"; }

 private:
  CrossbarStats stats_;
};

}  // namespace spatten::sim

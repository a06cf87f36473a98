// SPDX-License-Identifier: Apache-2.0
// The ideal memory: every access is taken, its data are back a fixed number of clocks later, in order.
#pragma once

#include "spatten/sim/memory/channel_books.h"

namespace spatten::sim {

struct IdealSpec {
  std::uint32_t latency = 1, pending = 16, channels = 16, access_bytes = 32;
  double clock_hz = 1e9;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("latency", s.latency, "clock", "accepted before clock t: take() has the data from clock t + latency on");
    f("pending", s.pending, "access", "reads that the requester may have under way in a channel");
    f("channels", s.channels, "", "channels, interleaved at access_bytes");
    f("access_bytes", s.access_bytes, "byte", "one access");
    f("clock_hz", s.clock_hz, "Hz", "clock");
  }
  void validate(const JsonNode& node) const;
};

class IdealChannel final : public MemoryChannel {
 public:
  explicit IdealChannel(std::uint32_t latency) : latency_(latency), books_(ReturnOrder::kOwnTags) {}

  bool offer(const MemoryAccess& access, Cycles now) override {
    books_.accepted(access, now);
    if (access.is_write) {
      ++books_.stats.writes;
      books_.write_issued(now, now + 1);
    } else {
      ++books_.stats.reads;
      books_.read_returns(access.tag, now + latency_ - 1);
    }
    return true;
  }
  std::optional<std::uint32_t> take(Cycles now) override {
    if (books_.returns().next_take() > now) return std::nullopt;
    return books_.take();
  }
  void tick(Cycles now) override { next_ = now + 1; }
  Cycles next_event() const override { return std::max(books_.returns().next_take(), next_); }
  ChannelSent send(const MemoryAccess& access, Cycles now) override {
    offer(access, now);
    tick(now);
    return {true, next_event()};
  }
  ChannelReceived receive(bool wanted, Cycles now) override {
    const std::optional<std::uint32_t> tag = wanted ? take(now) : std::nullopt;
    tick(now);
    return {tag.has_value(), tag.value_or(0), next_event()};
  }
  std::uint32_t unfinished() const override { return books_.unfinished(next_); }
  Cycles data_end() const override { return books_.data_end(); }
  MemoryStats stats() override { return books_.stats_at(next_); }

 private:
  std::uint32_t latency_;
  ChannelBooks books_;
  Cycles next_ = 0;
};

}  // namespace spatten::sim

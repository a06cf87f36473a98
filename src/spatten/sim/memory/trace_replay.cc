// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/memory/trace_replay.h"

#include <algorithm>
#include <cmath>

#include "spatten/base/error.h"

namespace spatten::sim {
namespace {

/// One channel and its clock. The tag of a read is the clock in which it was accepted, modulo 2^32.
class Port {
 public:
  Port(MemoryChannel& channel, std::uint32_t limit) : channel_(&channel), limit_(limit) {}

  Cycles now() const { return now_; }
  Cycles next_event() const { return channel_->next_event(); }

  /// Reads whose data came back before clock `now`, which must be visited in order at every next_event().
  std::uint32_t collect(Cycles now, LatencyHistogram& latency) {
    std::uint32_t count = 0;
    while (const auto tag = channel_->take(now)) {
      latency.add(static_cast<std::uint32_t>(now) - *tag);
      ++count;
    }
    in_flight_ -= count;
    return count;
  }
  bool offer(const MemoryAccess& access) {
    if (!access.is_write && in_flight_ >= limit_) return false;
    MemoryAccess tagged = access;
    tagged.tag = static_cast<std::uint32_t>(now_);
    if (!channel_->offer(tagged, now_)) return false;
    in_flight_ += access.is_write ? 0 : 1;
    return true;
  }
  void tick() {
    channel_->tick(now_);
    ++now_;
  }

  /// Visits every event before clock `until`.
  void advance(Cycles until, LatencyHistogram& latency) {
    for (Cycles event = next_event(); event < until; event = next_event()) {
      now_ = event;
      collect(now_, latency);
      tick();
    }
    now_ = std::max(now_, until);
  }
  /// Goes on until the access is accepted, and through that clock.
  void accept(const DramTraceAccess& access, std::uint64_t address, LatencyHistogram& latency) {
    advance(std::max(now_, access.not_before), latency);
    const MemoryAccess request{address, access.is_write, 0};
    for (;;) {
      collect(now_, latency);
      const bool accepted = offer(request);
      const bool works = next_event() <= now_;  // and may make room that can be used in the next clock
      tick();
      if (accepted) return;
      const Cycles event = works ? now_ : next_event();
      SPATTEN_CHECK(event != kNever);  // a full channel has something to do
      now_ = event;
    }
  }
  void finish(LatencyHistogram& latency) {
    for (Cycles event = next_event(); event != kNever; event = next_event()) {
      now_ = event;
      collect(now_, latency);
      tick();
    }
  }
  /// The channel's own clock up to the end of the run, with the refreshes until then.
  void idle_until(Cycles end) {
    if (end > now_) channel_->tick(end - 1);
  }
  void set_clock(Cycles now) { now_ = now; }

 private:
  MemoryChannel* channel_;
  std::uint32_t limit_, in_flight_ = 0;
  Cycles now_ = 0;
};

class Replay {
 public:
  Replay(DramTraceReader& trace, Memory& memory, const ReplayOptions& options)
      : trace_(trace), memory_(memory), options_(options) {
    trace.set_device(memory.capacity_bytes(), memory.access_bytes());
    const std::uint32_t q = trace.limits().reads_per_channel;
    for (std::uint32_t i = 0; i < memory.channels(); ++i)
      ports_.emplace_back(memory.channel(i), q == 0 ? memory.pending_limit() : q);
  }

  ReplayResult run() {
    try {
      trace_.limits().reads_in_all == 0 ? run_channels() : run_in_order();
    } catch (const Cancelled&) {
      result_.partial = true;
    }
    if (!result_.partial) {
      for (Port& port : ports_) port.finish(result_.read_latency);
    }
    for (std::uint32_t i = 0; i < memory_.channels(); ++i)
      result_.memory_cycles = std::max(result_.memory_cycles, memory_.channel(i).data_end());
    for (Port& port : ports_) port.idle_until(result_.memory_cycles);
    result_.stats = memory_.stats();
    return std::move(result_);
  }

 private:
  static constexpr std::uint64_t kLookUp = 1 << 16;  // requests between two looks at the world

  bool next(DramTraceAccess& access) {
    if ((result_.requests() & (kLookUp - 1)) == 0) {
      if (options_.progress) options_.progress(result_.requests());
      if (options_.cancelled != nullptr && options_.cancelled->load()) throw Cancelled();
    }
    return trace_.next(access);
  }
  void count(const DramTraceAccess& access) { ++(access.is_write ? result_.writes : result_.reads); }

  void run_channels() {
    for (DramTraceAccess access; next(access); count(access)) {
      const ChannelAddress place = memory_.split(access.address);
      ports_[place.channel].accept(access, place.address, result_.read_latency);
    }
  }

  void run_in_order() {
    std::uint32_t in_flight = 0;
    std::vector<Cycles> last_accept(ports_.size(), kNever);
    Cycles now = 0;
    DramTraceAccess access;
    for (bool more = next(access); more;) {
      for (Port& port : ports_) {
        port.set_clock(now);
        in_flight -= port.collect(now, result_.read_latency);
      }
      while (more && access.not_before <= now && (access.is_write || in_flight < trace_.limits().reads_in_all)) {
        const ChannelAddress place = memory_.split(access.address);
        if (last_accept[place.channel] == now || !ports_[place.channel].offer({place.address, access.is_write, 0}))
          break;
        last_accept[place.channel] = now;
        in_flight += access.is_write ? 0 : 1;
        count(access);
        more = next(access);
      }
      for (Port& port : ports_) port.tick();
      now = next_clock(now, access, more);
    }
  }

  /// The next clock in which an access could be accepted or a channel has something to do.
  Cycles next_clock(Cycles now, const DramTraceAccess& access, bool more) const {
    Cycles next = kNever;
    for (const Port& port : ports_) next = std::min(next, port.next_event());
    if (more && access.not_before > now) next = std::min(next, access.not_before);
    // The access may have lost this clock to another one of its channel.
    if (more && access.not_before <= now) next = now + 1;
    return next == kNever ? now + 1 : next;
  }

  DramTraceReader& trace_;
  Memory& memory_;
  const ReplayOptions& options_;
  std::vector<Port> ports_;
  ReplayResult result_;
};

}  // namespace

std::uint64_t LatencyHistogram::quantile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::max(1.0, std::ceil(share * static_cast<double>(count_))));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < small_.size(); ++i) {
    seen += small_[i];
    if (seen >= wanted) return i;
  }
  for (const auto& [value, times] : large_) {
    seen += times;
    if (seen >= wanted) return value;
  }
  return 0;
}

ReplayResult replay(DramTraceReader& trace, Memory& memory, const ReplayOptions& options) {
  return Replay(trace, memory, options).run();
}

}  // namespace spatten::sim

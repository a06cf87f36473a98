// SPDX-License-Identifier: Apache-2.0
// A channel with a scheduler: keeps the contract of memory.h, skips the clocks in which the scheduler has nothing to
// do, and catches up with the refreshes of an idle channel when it is used again.
#pragma once

#include <memory>

#include "spatten/sim/memory/channel_books.h"
#include "spatten/sim/memory/dram_timing.h"

namespace spatten::sim {

template <class Scheduler>
class DramChannel final : public MemoryChannel {
 public:
  DramChannel(const DramSpec& spec, std::shared_ptr<const DramTables> tables)
      : tables_(std::move(tables)), books_(spec.controller.returns), scheduler_(spec, *tables_, books_) {
    if (spec.refresh.policy != RefreshPolicy::kNone) wake_ = spec.refresh.first;
  }

  ChannelClock clock(const MemoryAccess* offered, bool wanted, Cycles now) override {
    return clock_channel(*this, offered, wanted, now);
  }
  bool offer(const MemoryAccess& access, Cycles now) override {
    catch_up(now);
    if (!scheduler_.offer(access, now)) return false;
    wake_ = std::max(scheduler_.next_step(), now);
    return true;
  }

  std::optional<std::uint32_t> take(Cycles now) override { return books_.take(now); }

  void tick(Cycles now) override {
    catch_up(now);
    if (wake_ <= now) step();
    next_ = now + 1;
  }

  Cycles next_event() const override {
    const Cycles event = std::min(books_.returns().next_take(), scheduler_.idle() ? kNever : wake_);
    return std::max(event, next_);
  }

  std::uint32_t unfinished() const override { return books_.unfinished(next_); }
  Cycles data_end() const override { return books_.data_end(); }
  MemoryStats stats() const override { return books_.stats_at(next_); }

 private:
  void step() {
    scheduler_.step(wake_);
    wake_ = std::max(scheduler_.next_step(), wake_ + 1);
  }
  /// Steps the clocks before `now` in which something was due: refreshes of an idle channel.
  void catch_up(Cycles now) {
    if (wake_ >= now) return;
    const Cycles interval = tables_->refresh_interval();
    if (scheduler_.idle() && now > wake_ + kSteadyIntervals * 2 * interval) {
      const Cycles steady = wake_ + kSteadyIntervals * interval;
      while (wake_ < steady) step();
      skip_intervals((now - wake_) / interval - 1);
    }
    while (wake_ < now) step();
  }

  /// An idle channel repeats itself every interval: moves its state on by that many at once.
  void skip_intervals(Cycles count) {
    const std::uint64_t before = books_.stats.refreshes;
    const Cycles by = count * tables_->refresh_interval();
    const Cycles end = wake_ + tables_->refresh_interval();
    while (wake_ < end) step();
    books_.stats.refreshes += (books_.stats.refreshes - before) * (count - 1);
    scheduler_.shift(by - tables_->refresh_interval());
    wake_ += by - tables_->refresh_interval();
  }

  static constexpr Cycles kSteadyIntervals = 3;

  std::shared_ptr<const DramTables> tables_;
  ChannelBooks books_;
  Scheduler scheduler_;
  Cycles wake_ = kNever, next_ = 0;  // next clock with something to do, first clock not ticked yet
};

}  // namespace spatten::sim

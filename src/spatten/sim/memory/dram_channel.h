// SPDX-License-Identifier: Apache-2.0
// A channel with a scheduler: keeps the contract of memory.h, skips the clocks in which the scheduler has nothing to
// do, and catches up with the refreshes of an idle channel when it is used again.
//
// send() and receive() also let the scheduler lag behind. A read that no waiting write answers has its data
// read_latency after its column command at the soonest, so that what the scheduler does in a clock is not seen before.
// Reads wait in arrivals_ until it may be seen, and then many clocks are stepped at once.
#pragma once

#include <memory>

#include "spatten/sim/memory/channel_books.h"
#include "spatten/sim/memory/dram_timing.h"

namespace spatten::sim {

template <class Scheduler>
class DramChannel final : public MemoryChannel {
 public:
  DramChannel(const DramSpec& spec, std::shared_ptr<const DramTables> tables)
      : tables_(std::move(tables)),
        books_(spec.controller.returns),
        scheduler_(spec, *tables_, books_),
        refreshes_(spec.refresh.policy != RefreshPolicy::kNone) {
    if (refreshes_) wake_ = spec.refresh.first;
  }

  bool offer(const MemoryAccess& access, Cycles now) override {
    if (now > 0) run(now - 1);
    catch_up(now);
    if (!scheduler_.offer(access, now)) return false;
    wake_ = std::max(scheduler_.next_step(), now);
    return true;
  }

  std::optional<std::uint32_t> take(Cycles now) override {
    if (books_.returns().next_take() > now) return std::nullopt;
    return books_.take();
  }

  void tick(Cycles now) override {
    run(now);
    catch_up(now);
    if (wake_ <= now) step();
    next_ = now + 1;
  }

  Cycles next_event() const override { return std::max(std::min(books_.returns().next_take(), next_step()), next_); }

  ChannelSent send(const MemoryAccess& access, Cycles now) override {
    const bool later = !access.is_write && scheduler_.takes_later(access.address, arrivals_.size());
    if (later) arrivals_.push({access, now});
    const bool accepted = later || offer(access, now);
    look_by_ = std::min(look_by_, now + tables_->read_latency() + 1);
    next_ = now + 1;
    return {accepted, next_receive(now)};
  }

  ChannelReceived receive(bool wanted, Cycles now) override {
    if (look_by_ <= now || is_watched()) run(now);
    ChannelReceived out;
    if (wanted && books_.returns().next_take() <= now) {
      out.answered = true;
      out.tag = books_.take();
      next_ = now + 1;
    }
    out.next = next_receive(now);
    return out;
  }

  std::uint32_t unfinished() const override {
    return static_cast<std::uint32_t>(arrivals_.size()) + books_.unfinished(next_);
  }
  Cycles data_end() const override { return books_.data_end(); }
  MemoryStats stats() override {
    if (next_ > 0) tick(next_ - 1);
    return books_.stats_at(next_);
  }

 private:
  struct Arrival {
    MemoryAccess access;
    Cycles clock;
  };

  bool is_watched() const { return scheduler_.is_watched() && arrivals_.empty(); }
  Cycles next_step() const { return scheduler_.idle() ? kNever : wake_; }
  Cycles next_receive(Cycles now) const {
    const Cycles event = is_watched() ? next_step() : look_by_;
    return std::max(std::min(books_.returns().next_take(), event), now + 1);
  }

  void step() {
    scheduler_.step(wake_);
    wake_ = std::max(scheduler_.next_step(), wake_ + 1);
  }

  /// The clocks up to `last` in which there is something to do.
  void run(Cycles last) {
    for (;;) {
      const bool arrives = !arrivals_.empty() && arrivals_.front().clock <= next_step();
      const Cycles clock = arrives ? arrivals_.front().clock : next_step();
      if (clock > last) break;
      if (arrives) {
        catch_up(clock);
        scheduler_.offer(arrivals_.pop().access, clock);
        wake_ = std::max(scheduler_.next_step(), clock);
      }
      if (wake_ <= clock) step();
      next_ = std::max(next_, clock + 1);
    }
    look_by_ = arrivals_.empty() && scheduler_.idle() ? kNever : last + tables_->read_latency() + 2;
  }

  /// Steps the clocks before `now` in which something was due: refreshes of an idle channel.
  void catch_up(Cycles now) {
    if (wake_ >= now) return;
    const Cycles interval = tables_->refresh_interval();
    if (refreshes_ && scheduler_.idle() && now > wake_ + kSteadyIntervals * 2 * interval) {
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
  bool refreshes_;
  Ring<Arrival> arrivals_;
  Cycles wake_ = kNever, next_ = 0;  // next clock with something to do, first clock not ticked yet
  Cycles look_by_ = kNever;          // first clock in which there may be an answer that is not known yet
};

}  // namespace spatten::sim

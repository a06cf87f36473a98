// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/core/engine.h"

#include <algorithm>
#include <bit>
#include <string>

#include "spatten/base/error.h"
#include "spatten/base/random.h"

namespace spatten::sim {
namespace {

constexpr Cycles kSamplePeriod = 250;

}  // namespace

void Engine::shuffle(std::uint64_t seed) {
  Random random(seed);
  for (std::size_t n = units_.size(); n > 1; --n) std::swap(units_[n - 1], units_[random.below(n)]);
}

void Engine::draw(Timeline* timeline) {
  timeline_ = timeline;
  sampled_ = 0;
  span_begin_.assign(units_.size(), 0);
  for (std::size_t i = 0; timeline && i < units_.size(); ++i)
    timeline->name(static_cast<std::uint32_t>(i), units_[i]->name());
}

void Engine::change(Unit& unit, std::size_t index, Why why, Cycles now) {
  if (timeline_) {
    timeline_->span(static_cast<std::uint32_t>(index), unit.activity_.why(), span_begin_[index], now);
    span_begin_[index] = now;
  }
  unit.activity_.set(why, now);
}

void Engine::sample(Cycles now) {
  if (now == sampled_) return;
  for (const Track& t : tracks_) timeline_->count(t.name, sampled_, t.value(now - sampled_));
  sampled_ = now;
}

// What a unit did last, it did to the end.
void Engine::close(Cycles now) {
  if (timeline_) sample(now);
  for (std::size_t i = 0; i < units_.size(); ++i) {
    if (units_[i]->activity_.why() == Why::kIdle) {
      units_[i]->activity_.set(Why::kIdle, now);
    } else {
      change(*units_[i], i, Why::kIdle, now);
    }
  }
}

void Engine::report_deadlock(Cycles now) const {
  std::string waiting;
  for (const Unit* unit : units_) {
    const std::string holding = unit->holding();
    if (holding.empty() && unit->activity().why() == Why::kIdle) continue;
    waiting +=
        (waiting.empty() ? "" : "; ") + unit->name() + " waits (" + std::string(why_name(unit->activity().why())) + ")";
    if (!holding.empty()) waiting += " with " + holding;
  }
  throw Error("the chip cannot go on after cycle " + std::to_string(now) + ": " + waiting);
}

bool Engine::check(const std::function<bool()>& every, Cycles now) {
  if (work_) {
    const std::uint64_t work = work_();
    if (work == work_seen_) report_deadlock(now);
    work_seen_ = work;
  }
  return every();
}

/// The cycles in which the units want to be ticked, side by side while the engine runs.
class Engine::Alarms {
 public:
  explicit Alarms(const std::vector<Unit*>& units) : units_(units), wakes_(units.size()) {
    SPATTEN_CHECK(units.size() <= 64);
    for (std::size_t i = 0; i < units.size(); ++i) {
      wakes_[i] = units[i]->own_wake_;
      units[i]->wake_ = &wakes_[i];
    }
  }
  ~Alarms() {
    for (std::size_t i = 0; i < units_.size(); ++i) {
      units_[i]->own_wake_ = wakes_[i];
      units_[i]->wake_ = &units_[i]->own_wake_;
    }
  }
  Alarms(const Alarms&) = delete;
  Alarms& operator=(const Alarms&) = delete;

  /// The units that are due, as bits. Their alarms are off from here on, so that what this cycle's ticks ask for is
  /// kept.
  std::uint64_t take_due(Cycles now) {
    std::uint64_t due = 0;
    for (std::size_t i = 0; i < wakes_.size(); ++i) {
      const bool is_due = wakes_[i] <= now;
      due |= std::uint64_t{is_due} << i;
      wakes_[i] = is_due ? kNever : wakes_[i];
    }
    return due;
  }
  void set_all(Cycles now) { std::fill(wakes_.begin(), wakes_.end(), now); }
  Cycles next() const {
    Cycles next = kNever;
    for (const Cycles wake : wakes_) next = std::min(next, wake);
    return next;
  }

 private:
  const std::vector<Unit*>& units_;
  std::vector<Cycles> wakes_;
};

Cycles Engine::run(const std::function<bool()>& done, const std::function<bool()>& every) {
  Alarms alarms(units_);
  Cycles now = 0;
  std::uint32_t ticked = 0;
  for (;;) {
    if (awake_) alarms.set_all(now);
    for (std::uint64_t due = alarms.take_due(now); due != 0; due &= due - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(due));
      Unit& unit = *units_[i];
      const Tick tick = unit.tick(now);
      unit.wake_at(tick.wake);
      if (tick.why != unit.activity_.why()) change(unit, i, tick.why, now);
    }
    if (timeline_ && now - sampled_ >= kSamplePeriod) sample(now);
    const bool finished = done() || (++ticked % 65536 == 0 && !check(every, now));
    const Cycles next = alarms.next();
    if (finished || next == kNever) {
      if (!finished) report_deadlock(now);
      close(now);
      return now;
    }
    now = awake_ ? now + 1 : next;
  }
}

}  // namespace spatten::sim

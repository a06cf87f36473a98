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
// Longer than any memory takes to answer.
constexpr Cycles kPatience = Cycles{1} << 22;

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
    if (work != work_seen_) {
      work_seen_ = work;
      work_seen_at_ = now;
    } else if (now - work_seen_at_ > kPatience) {
      report_deadlock(now);
    }
  }
  return every();
}

/// The alarms of the units while the engine runs.
class Engine::Waking final : public Alarms {
 public:
  explicit Waking(const std::vector<Unit*>& units) : Alarms(units.size()), units_(units) {
    for (std::size_t i = 0; i < units.size(); ++i) {
      units[i]->alarms_ = this;
      units[i]->index_ = i;
    }
    set_all();
  }
  ~Waking() {
    for (Unit* unit : units_) unit->alarms_ = nullptr;
  }
  Waking(const Waking&) = delete;
  Waking& operator=(const Waking&) = delete;

 private:
  const std::vector<Unit*>& units_;
};

Cycles Engine::run(const std::function<bool()>& done, const std::function<bool()>& every) {
  Waking alarms(units_);
  Cycles now = 0;
  std::uint32_t ticked = 0;
  for (;;) {
    for (std::uint64_t due = alarms.take_due(now); due != 0; due &= due - 1) {
      const auto i = static_cast<std::size_t>(std::countr_zero(due));
      Unit& unit = *units_[i];
      const Tick tick = unit.tick(now);
      alarms.set(i, tick.wake);
      if (tick.why != unit.activity_.why()) change(unit, i, tick.why, now);
    }
    if (timeline_ && now - sampled_ >= kSamplePeriod) sample(now);
    const bool finished = done() || (++ticked % 65536 == 0 && !check(every, now));
    if (awake_) alarms.set_all();
    const Cycles next = alarms.next();
    if (finished || next == kNever) {
      if (!finished) report_deadlock(now);
      close(now);
      return now;
    }
    now = next;
  }
}

}  // namespace spatten::sim

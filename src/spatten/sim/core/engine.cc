// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/core/engine.h"

#include <algorithm>
#include <string>

#include "spatten/base/error.h"
#include "spatten/base/random.h"

namespace spatten::sim {

void Engine::shuffle(std::uint64_t seed) {
  Random random(seed);
  for (std::size_t n = units_.size(); n > 1; --n) std::swap(units_[n - 1], units_[random.below(n)]);
}

void Engine::draw(Timeline* timeline) {
  timeline_ = timeline;
  span_begin_.assign(units_.size(), 0);
  for (std::size_t i = 0; timeline && i < units_.size(); ++i) timeline->name(static_cast<std::uint32_t>(i), units_[i]->name());
}

void Engine::account(Unit& unit, std::size_t index, Why why, Cycles now) {
  if (timeline_ && why != unit.activity_.why()) {
    timeline_->span(static_cast<std::uint32_t>(index), unit.activity_.why(), span_begin_[index], now);
    span_begin_[index] = now;
  }
  unit.activity_.set(why, now);
}

void Engine::report_deadlock(Cycles now) const {
  std::string waiting;
  for (const Unit* unit : units_) {
    const std::string holding = unit->holding();
    if (holding.empty() && unit->activity().why() == Why::kIdle) continue;
    waiting += (waiting.empty() ? "" : "; ") + unit->name() + " waits (" + std::string(why_name(unit->activity().why())) + ")";
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

Cycles Engine::run(const std::function<bool()>& done, const std::function<bool()>& every) {
  Cycles now = 0;
  std::uint32_t ticked = 0;
  for (;;) {
    due_.clear();
    for (std::size_t i = 0; i < units_.size(); ++i) {
      if (units_[i]->wake_ > now) continue;
      units_[i]->wake_ = kNever;  // before any tick, so that what this cycle's ticks ask for is kept
      due_.push_back(i);
    }
    for (const std::size_t i : due_) {
      Unit& unit = *units_[i];
      const Tick tick = unit.tick(now);
      unit.wake_at(tick.wake);
      account(unit, i, tick.why, now);
    }
    const bool finished = done() || (++ticked % 65536 == 0 && !check(every, now));
    Cycles next = kNever;
    for (const Unit* unit : units_) next = std::min(next, unit->wake_);
    if (finished || next == kNever) {
      if (!finished) report_deadlock(now);
      for (std::size_t i = 0; i < units_.size(); ++i) account(*units_[i], i, Why::kIdle, now);
      return now;
    }
    now = next;
  }
}

}  // namespace spatten::sim

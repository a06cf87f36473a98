// SPDX-License-Identifier: Apache-2.0
// A block of the chip. The engine ticks a unit in every cycle in which it asked to be woken or in which a port of it moved;
// in between it sleeps. A unit sees what others did in earlier cycles only (core/port.h), so the order in which the units
// of one cycle are ticked changes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "spatten/sim/core/activity.h"
#include "spatten/sim/core/alarms.h"
#include "spatten/sim/core/cycles.h"

namespace spatten::sim {

/// What a tick amounts to: what the unit does from now on, and when it wants to be ticked again if no port wakes it.
struct Tick {
  Why why = Why::kIdle;
  Cycles wake = kNever;
};

using Counters = std::vector<std::pair<std::string, std::uint64_t>>;

class Unit {
 public:
  explicit Unit(std::string name) : name_(std::move(name)) {}
  virtual ~Unit() = default;
  Unit(const Unit&) = delete;
  Unit& operator=(const Unit&) = delete;

  virtual Tick tick(Cycles now) = 0;
  /// Names and values, in the order of the unit's statistics.
  virtual Counters counters() const = 0;
  /// For the report of a machine that cannot go on: what the unit holds. Empty when it holds nothing.
  virtual std::string holding() const { return {}; }

  const std::string& name() const { return name_; }
  const Activity& activity() const { return activity_; }
  void wake_at(Cycles at) {
    if (alarms_) alarms_->set(index_, at);
  }

 private:
  friend class Engine;
  std::string name_;
  Activity activity_;
  Alarms* alarms_ = nullptr;  // of the engine that runs
  std::size_t index_ = 0;     // in them
};

/// The counters of a statistics struct with a field list.
template <class Stats>
Counters list_counters(const Stats& stats) {
  Counters out;
  Stats::each(stats, [&](const char* name, const auto& value, const char*, const char*) { out.emplace_back(name, value); });
  return out;
}

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// Both ends of a unit under test: a feeder that pushes items from given cycles on, a drain that notes when items come
// out.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "spatten/sim/core/engine.h"
#include "spatten/sim/core/port.h"

namespace spatten::sim {

template <class T>
class Feeder final : public Unit {
 public:
  Feeder() : Unit("feeder"), out(*this) {}
  /// Items in their order; each is pushed in its cycle, or as soon after as there is room.
  void feed(Cycles at, T item) { items_.emplace_back(at, std::move(item)); }
  Tick tick(Cycles now) override {
    if (next_ == items_.size()) return {};
    if (items_[next_].first > now) return {Why::kIdle, items_[next_].first};
    if (!out.has_room(now)) return {Why::kNoRoom, now + 1};
    pushed.push_back(now);
    out.push(items_[next_++].second, now);
    return {Why::kBusy, now + 1};
  }
  Counters counters() const override { return {}; }
  OutPort<T> out;
  std::vector<Cycles> pushed;

 private:
  std::vector<std::pair<Cycles, T>> items_;
  std::size_t next_ = 0;
};

template <class T>
class Drain final : public Unit {
 public:
  /// Takes nothing in cycles before `open_from`.
  explicit Drain(Cycles open_from = 0) : Unit("drain"), in(*this, 4, 1), open_from_(open_from) {}
  Tick tick(Cycles now) override {
    if (now < open_from_) return {Why::kIdle, open_from_};
    while (in.front(now)) {
      at.push_back(now);
      items.push_back(in.pop(now));
    }
    return {Why::kIdle, in.next_ready()};
  }
  Counters counters() const override { return {}; }
  InPort<T> in;
  std::vector<T> items;
  std::vector<Cycles> at;

 private:
  Cycles open_from_;
};

/// Runs the units until `done`, in the order given or in one from a seed.
inline void run_units(const std::vector<Unit*>& units, const std::function<bool()>& done, std::uint64_t shuffle = 0) {
  Engine engine;
  for (Unit* unit : units) engine.add(*unit);
  if (shuffle > 0) engine.shuffle(shuffle);
  engine.run(done, [] { return true; });
}

}  // namespace spatten::sim

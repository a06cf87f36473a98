// SPDX-License-Identifier: Apache-2.0
// The engine: sleep, skipping of time, accounts that add up, deadlocks that name their culprits.
#include "spatten/sim/core/engine.h"

#include <gtest/gtest.h>

#include "spatten/base/error.h"
#include "spatten/sim/core/port.h"

namespace spatten::sim {
namespace {

/// Sends the numbers 0 .. count - 1, each `gap` cycles after the one before.
class Sender final : public Unit {
 public:
  Sender(int count, Cycles gap) : Unit("sender"), out(*this), count_(count), gap_(gap) {}
  Tick tick(Cycles now) override {
    ++ticks;
    if (next_ == count_) return {};
    if (now < due_) return {Why::kIdle, due_};
    if (!out.has_room(now)) return {Why::kNoRoom, kNever};
    out.push(next_++, now);
    due_ = now + gap_;
    return {Why::kBusy, next_ == count_ ? kNever : due_};
  }
  Counters counters() const override { return {}; }
  std::string holding() const override { return next_ < count_ ? std::to_string(count_ - next_) + " numbers" : ""; }
  OutPort<int> out;
  int ticks = 0;

 private:
  int count_, next_ = 0;
  Cycles gap_, due_ = 0;
};

/// Takes a number every `period` cycles, and none after `limit` of them.
class Receiver final : public Unit {
 public:
  Receiver(std::uint32_t capacity, Cycles latency, Cycles period, int limit)
      : Unit("receiver"), in(*this, capacity, latency), period_(period), limit_(limit) {}
  Tick tick(Cycles now) override {
    ++ticks;
    if (taken == limit_) return {in.empty() ? Why::kIdle : Why::kOrder, kNever};
    if (now < due_) return {Why::kIdle, due_};
    if (!in.front(now)) return {Why::kIdle, in.next_ready()};
    EXPECT_EQ(in.pop(now), taken++);
    last = now;
    due_ = now + period_;
    return {Why::kBusy, due_};
  }
  Counters counters() const override { return {}; }
  InPort<int> in;
  int taken = 0, ticks = 0;
  Cycles last = 0;

 private:
  Cycles period_, due_ = 0;
  int limit_;
};

struct Machine {
  Machine(int count, Cycles gap, std::uint32_t capacity, Cycles period, int limit)
      : sender(count, gap), receiver(capacity, 2, period, limit) {
    connect(sender.out, receiver.in);
    engine.add(sender);
    engine.add(receiver);
  }
  Cycles run(int until) {
    return engine.run([&] { return receiver.taken == until; }, [] { return true; });
  }
  Sender sender;
  Receiver receiver;
  Engine engine;
};

TEST(Engine, SkipsCyclesInWhichNothingIsDue) {
  Machine machine(3, 1000000, 4, 1, 3);
  EXPECT_EQ(machine.run(3), 2000002u);
  EXPECT_LE(machine.sender.ticks, 6);
  EXPECT_LE(machine.receiver.ticks, 12);
}

TEST(Engine, EveryCycleOfAUnitIsAccountedForOnce) {
  Machine machine(50, 1, 2, 7, 50);
  const Cycles cycles = machine.run(50);
  for (const Unit* unit : machine.engine.units()) {
    const Activity& a = unit->activity();
    EXPECT_EQ(a.busy() + a.idle() + a.stalled(), cycles) << unit->name();
  }
  EXPECT_GT(machine.sender.activity().spent(Why::kNoRoom), 200u);
}

TEST(Engine, ABlockedSenderIsWokenByRoom) {
  Machine machine(20, 1, 1, 5, 20);
  EXPECT_EQ(machine.run(20), 2u + 19 * 5);
}

TEST(Engine, TheOrderOfUnitsChangesNothing) {
  Machine machine(100, 2, 3, 5, 100);
  const Cycles expected = machine.run(100);
  for (std::uint64_t seed = 1; seed < 6; ++seed) {
    Machine shuffled(100, 2, 3, 5, 100);
    shuffled.engine.shuffle(seed);
    EXPECT_EQ(shuffled.run(100), expected);
    EXPECT_EQ(shuffled.receiver.last, machine.receiver.last);
  }
}

TEST(Engine, AStallThatNeverEndsNamesTheUnitsThatWait) {
  Machine machine(10, 1, 2, 1, 3);
  try {
    machine.run(10);
    FAIL() << "it went on";
  } catch (const Error& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("sender waits (no_room) with 5 numbers"), std::string::npos) << text;
    EXPECT_NE(text.find("receiver waits (order)"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace spatten::sim

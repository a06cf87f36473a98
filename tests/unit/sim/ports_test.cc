// SPDX-License-Identifier: Apache-2.0
// Ports: latency, room, order, and that both sides may be ticked in any order.
#include <gtest/gtest.h>

#include <string>

#include "spatten/sim/core/lane_port.h"
#include "spatten/sim/core/port.h"

namespace spatten::sim {
namespace {

class Block final : public Unit {
 public:
  explicit Block(std::string name) : Unit(std::move(name)) {}
  Tick tick(Cycles) override { return {}; }
  Counters counters() const override { return {}; }
};

struct Wire {
  explicit Wire(std::uint32_t capacity, Cycles latency) : in(receiver, capacity, latency), out(sender) {
    connect(out, in);
  }
  Block sender{"sender"}, receiver{"receiver"};
  InPort<int> in;
  OutPort<int> out;
};

TEST(Port, ShowsAnItemWhenItsLatencyIsOver) {
  Wire wire(4, 3);
  wire.out.push(7, 10);
  EXPECT_EQ(wire.in.front(12), nullptr);
  EXPECT_EQ(wire.in.next_ready(), 13u);
  ASSERT_NE(wire.in.front(13), nullptr);
  EXPECT_EQ(wire.in.pop(13), 7);
  EXPECT_EQ(wire.in.next_ready(), kNever);
}

TEST(Port, KeepsTheOrder) {
  Wire wire(3, 1);
  for (int i = 0; i < 3; ++i) wire.out.push(i, static_cast<Cycles>(i));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(wire.in.pop(static_cast<Cycles>(10 + i)), i);
}

TEST(Port, RoomMadeInACycleIsThereInTheNext) {
  Wire wire(2, 1);
  wire.out.push(1, 0);
  wire.out.push(2, 0);
  EXPECT_FALSE(wire.out.has_room(1));
  wire.in.pop(1);
  EXPECT_FALSE(wire.out.has_room(1)) << "the sender may be ticked before or after the receiver";
  EXPECT_TRUE(wire.out.has_room(2));
}

TEST(Port, APushWithoutRoomIsABug) {
  Wire wire(1, 1);
  wire.out.push(1, 0);
  EXPECT_THROW(wire.out.push(2, 0), std::exception);
}

TEST(Port, IsConnectedOnce) {
  Wire wire(1, 1);
  Block other("other");
  OutPort<int> second(other);
  EXPECT_THROW(connect(second, wire.in), std::exception);
}

struct Lanes {
  explicit Lanes(std::uint32_t capacity, LaneDrain* drain = nullptr) : in(receiver, 4, capacity, drain), out(sender) {
    connect(out, in);
  }
  void push(std::uint32_t lane, int item, Cycles now) {
    out.next(lane) = item;
    out.push(LaneMask{1} << lane, now);
  }
  int pop(std::uint32_t lane, Cycles now) {
    const int item = in.front(lane);
    in.pop(LaneMask{1} << lane, now);
    return item;
  }
  Block sender{"sender"}, receiver{"receiver"};
  LaneIn<int> in;
  LaneOut<int> out;
};

constexpr LaneMask kFour = 0b1111;

TEST(LanePort, ShowsItemsOfAllLanesOneCycleLater) {
  Lanes lanes(2);
  lanes.out.next(0) = 10;
  lanes.out.next(3) = 13;
  lanes.out.push(0b1001, 5);
  EXPECT_EQ(lanes.in.ready(5) & kFour, 0u);
  EXPECT_EQ(lanes.in.ready(6) & kFour, 0b1001u);
  EXPECT_EQ(lanes.in.front(0), 10);
  EXPECT_EQ(lanes.in.front(3), 13);
  lanes.in.pop(0b1000, 6);
  EXPECT_EQ(lanes.in.ready(7) & kFour, 0b0001u);
}

TEST(LanePort, AnOlderItemStaysVisibleWhenANewOneComes) {
  Lanes lanes(2);
  lanes.push(1, 1, 0);
  lanes.push(1, 2, 1);
  EXPECT_EQ(lanes.in.ready(1) & kFour, 0b0010u);
  EXPECT_EQ(lanes.pop(1, 1), 1);
  EXPECT_EQ(lanes.pop(1, 2), 2);
}

TEST(LanePort, ALaneThatWasFullHasRoomInTheNextCycle) {
  Lanes lanes(1);
  lanes.push(2, 1, 0);
  EXPECT_EQ(lanes.out.room(1) & kFour, 0b1011u);
  lanes.pop(2, 1);
  EXPECT_EQ(lanes.out.room(1) & kFour, 0b1011u);
  EXPECT_EQ(lanes.out.room(2) & kFour, kFour);
}

TEST(LanePort, KeepsTheOrderOfEachLaneWhicheverEndIsTickedFirst) {
  for (const bool receiver_first : {false, true}) {
    Lanes lanes(2);
    int pushed = 0, popped = 0;
    for (Cycles now = 0; now < 40; ++now) {
      const bool pops = now % 3 != 1 && (lanes.in.ready(now) & 0b100);
      if (receiver_first && pops) {
        EXPECT_EQ(lanes.pop(2, now), popped++);
      }
      if (now % 4 != 2 && (lanes.out.room(now) & 0b100)) lanes.push(2, pushed++, now);
      if (!receiver_first && pops) {
        EXPECT_EQ(lanes.pop(2, now), popped++);
      }
    }
    EXPECT_EQ(pushed, 27) << receiver_first;
    EXPECT_EQ(popped, 26) << receiver_first;
  }
}

TEST(LanePort, CountsItemsThatCarryNothing) {
  Block sender("sender"), receiver("receiver");
  LaneCountIn in(receiver, 4, 3);
  LaneCountOut out(sender);
  connect(out, in);
  EXPECT_TRUE(in.empty());
  for (Cycles now = 0; now < 3; ++now) out.push(now == 0 ? 0b0011 : 0b0001, now);
  EXPECT_EQ(in.ready(3) & kFour, 0b0011u);
  EXPECT_EQ(out.room(3) & kFour, 0b1110u) << "the first lane holds three";
  in.pop(0b0011, 3);
  EXPECT_EQ(in.ready(4) & kFour, 0b0001u);
  EXPECT_EQ(out.room(3) & kFour, 0b1110u);
  EXPECT_EQ(out.room(4) & kFour, kFour);
}

/// Lanes of which the receiver says that they will be empty.
struct Promise final : LaneDrain {
  LaneMask leaving(Cycles) override { return lanes; }
  LaneMask lanes = 0;
};

TEST(LanePort, AFullLaneThatDrainsTakesTheNextItemInTheSameCycle) {
  for (const bool receiver_first : {false, true}) {
    Promise promise;
    Lanes lanes(1, &promise);
    lanes.push(0, 1, 0);
    EXPECT_EQ(lanes.out.room(1) & 1, 0u);
    promise.lanes = 1;
    if (receiver_first) {
      EXPECT_EQ(lanes.pop(0, 1), 1);
    }
    EXPECT_EQ(lanes.out.room(1) & 1, 1u);
    lanes.push(0, 2, 1);
    if (!receiver_first) {
      EXPECT_EQ(lanes.pop(0, 1), 1);
    }
    EXPECT_EQ(lanes.in.ready(2) & 1, 1u);
    EXPECT_EQ(lanes.pop(0, 2), 2);
  }
}

TEST(LanePort, VisitsLanesFromTheLowest) {
  std::string visited;
  for_each_lane(0b101001, [&](std::uint32_t lane) { visited += std::to_string(lane) + ' '; });
  EXPECT_EQ(visited, "0 3 5 ");
}

}  // namespace
}  // namespace spatten::sim

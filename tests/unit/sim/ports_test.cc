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
  Block sender{"sender"}, receiver{"receiver"};
  LaneIn<int> in;
  LaneOut<int> out;
};

constexpr LaneMask kFour = 0b1111;

TEST(LanePort, ShowsItemsOfAllLanesOneCycleLater) {
  Lanes lanes(2);
  lanes.out.push(0, 10, 5);
  lanes.out.push(3, 13, 5);
  EXPECT_EQ(lanes.in.ready(5) & kFour, 0u);
  EXPECT_EQ(lanes.in.ready(6) & kFour, 0b1001u);
  EXPECT_EQ(lanes.in.pop(3, 6), 13);
  EXPECT_EQ(lanes.in.ready(7) & kFour, 0b0001u);
}

TEST(LanePort, AnOlderItemStaysVisibleWhenANewOneComes) {
  Lanes lanes(2);
  lanes.out.push(1, 1, 0);
  lanes.out.push(1, 2, 1);
  EXPECT_EQ(lanes.in.ready(1) & kFour, 0b0010u);
  EXPECT_EQ(lanes.in.pop(1, 1), 1);
  EXPECT_EQ(lanes.in.pop(1, 2), 2);
}

TEST(LanePort, ALaneThatWasFullHasRoomInTheNextCycle) {
  Lanes lanes(1);
  lanes.out.push(2, 1, 0);
  EXPECT_EQ(lanes.out.room(1) & kFour, 0b1011u);
  lanes.in.pop(2, 1);
  EXPECT_EQ(lanes.out.room(1) & kFour, 0b1011u);
  EXPECT_EQ(lanes.out.room(2) & kFour, kFour);
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
    lanes.out.push(0, 1, 0);
    EXPECT_EQ(lanes.out.room(1) & 1, 0u);
    promise.lanes = 1;
    if (receiver_first) {
      EXPECT_EQ(lanes.in.pop(0, 1), 1);
    }
    EXPECT_EQ(lanes.out.room(1) & 1, 1u);
    lanes.out.push(0, 2, 1);
    if (!receiver_first) {
      EXPECT_EQ(lanes.in.pop(0, 1), 1);
    }
    EXPECT_EQ(lanes.in.ready(2) & 1, 1u);
    EXPECT_EQ(lanes.in.pop(0, 2), 2);
  }
}

TEST(LanePort, VisitsLanesFromTheLowest) {
  std::string visited;
  for_each_lane(0b101001, [&](std::uint32_t lane) { visited += std::to_string(lane) + ' '; });
  EXPECT_EQ(visited, "0 3 5 ");
}

}  // namespace
}  // namespace spatten::sim

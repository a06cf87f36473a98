// SPDX-License-Identifier: Apache-2.0
// Alarms: the next cycle and later ones.
#include "spatten/sim/core/alarms.h"

#include <gtest/gtest.h>

namespace spatten::sim {
namespace {

TEST(Alarms, GoOffInTheirCycle) {
  Alarms alarms(3);
  alarms.set(0, 5);
  alarms.set(2, 5);
  alarms.set(1, 9);
  EXPECT_EQ(alarms.next(), 5u);
  EXPECT_EQ(alarms.take_due(5), 0b101u);
  EXPECT_EQ(alarms.next(), 9u);
  EXPECT_EQ(alarms.take_due(9), 0b010u);
  EXPECT_EQ(alarms.next(), kNever);
}

TEST(Alarms, TheNextCycleIsTheSoonest) {
  Alarms alarms(2);
  EXPECT_EQ(alarms.take_due(7), 0u);
  alarms.set(1, 7);
  EXPECT_EQ(alarms.next(), 8u);
  EXPECT_EQ(alarms.take_due(8), 0b10u);
}

TEST(Alarms, AnyDistanceIsKept) {
  for (const Cycles distance : {1u, 2u, 3u, 100000u}) {
    Alarms alarms(4);
    alarms.take_due(1000);
    alarms.set(3, 1000 + distance);
    alarms.set(2, 2000000);
    EXPECT_EQ(alarms.next(), 1000 + distance);
    EXPECT_EQ(alarms.take_due(1000 + distance), 0b1000u) << distance;
    EXPECT_EQ(alarms.next(), 2000000u);
  }
}

TEST(Alarms, TheNextCycleDoesNotSilenceALaterOne) {
  Alarms alarms(1);
  alarms.take_due(2);
  alarms.set(0, 1000);
  alarms.set(0, 3);
  alarms.set(0, kNever);
  EXPECT_EQ(alarms.next(), 3u);
  EXPECT_EQ(alarms.take_due(3), 1u);
  EXPECT_EQ(alarms.next(), 1000u);
  EXPECT_EQ(alarms.take_due(1000), 1u);
  EXPECT_EQ(alarms.next(), kNever);
}

}  // namespace
}  // namespace spatten::sim

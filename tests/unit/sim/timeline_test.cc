// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/json_tree.h"
#include "spatten/sim/core/timeline.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "spatten/base/json.h"
#include "support/temp_folder.h"

namespace spatten::sim {
namespace {

std::string text_of(const Timeline& timeline, double clock_hz = 1e9) {
  const TempFolder folder;
  OutputFile out(folder.path("timeline.json"));
  timeline.write(out, clock_hz);
  out.commit();
  return read_file(folder.path("timeline.json"));
}

/// Events of one kind; parsing proves that the file is JSON.
std::vector<Json> events(const Timeline& timeline, const std::string& kind, double clock_hz = 1e9) {
  const Json file = Json::parse(text_of(timeline, clock_hz));
  std::vector<Json> out;
  for (const Json& e : file.at("traceEvents")) {
    if (e.at("ph") == kind) out.push_back(e);
  }
  return out;
}

TEST(Timeline, NothingHappenedIsStillATimeline) {
  EXPECT_TRUE(events(Timeline(), "X").empty());
  EXPECT_EQ(events(Timeline(), "M").size(), 1u);
}

TEST(Timeline, ASpanIsASliceInMicrosecondsOnItsUnitsRow) {
  Timeline timeline;
  timeline.name(0, "qk");
  timeline.name(1, "soft\"max");
  timeline.span(1, Why::kMemory, 1500, 1750);
  const auto slices = events(timeline, "X");
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_EQ(slices[0].at("ts"), 1.5);
  EXPECT_EQ(slices[0].at("dur"), 0.25);
  EXPECT_EQ(slices[0].at("name"), "memory");
  const auto names = events(timeline, "M");
  const auto row = std::find_if(names.begin(), names.end(), [&](const Json& n) {
    return n.at("name") == "thread_name" && n.at("tid") == slices[0].at("tid");
  });
  ASSERT_NE(row, names.end());
  EXPECT_EQ(row->at("args").at("name"), "soft\"max");
  EXPECT_EQ(events(timeline, "X", 2e9)[0].at("ts"), 0.75);
}

TEST(Timeline, SpansThatContinueEachOtherAreOneSliceAndIdleIsAGap) {
  Timeline timeline;
  timeline.span(0, Why::kBusy, 0, 10);
  timeline.span(0, Why::kBusy, 10, 20);
  timeline.span(0, Why::kIdle, 20, 30);
  timeline.span(0, Why::kBusy, 30, 40);
  timeline.span(0, Why::kNoRoom, 40, 50);
  EXPECT_EQ(timeline.slices(), 3u);
  const auto slices = events(timeline, "X");
  ASSERT_EQ(slices.size(), 3u);
  EXPECT_EQ(slices[0].at("dur"), 0.02);
  EXPECT_EQ(slices[2].at("name"), "no_room");
}

TEST(Timeline, WhatIsOutsideOfTheWindowIsCutOff) {
  Timeline timeline({.from = 100, .to = 200, .max_slices = 10});
  timeline.span(0, Why::kBusy, 0, 100);
  timeline.span(1, Why::kBusy, 50, 150);
  timeline.span(1, Why::kNoInput, 150, 900);
  timeline.span(1, Why::kBusy, 900, 901);
  timeline.count("bytes", 99, 1);
  timeline.count("bytes", 100, 2);
  timeline.count("bytes", 200, 3);
  const auto slices = events(timeline, "X");
  ASSERT_EQ(slices.size(), 2u);
  EXPECT_EQ(slices[0].at("ts"), 0.1);
  EXPECT_EQ(slices[1].at("dur"), 0.05);
  const auto samples = events(timeline, "C");
  ASSERT_EQ(samples.size(), 1u);
  EXPECT_EQ(samples[0].at("args").at("value"), 2);
  EXPECT_TRUE(timeline.open(199));
  EXPECT_FALSE(timeline.open(200));
}

TEST(Timeline, WhenTheSlicesRunOutTheWindowEndsThereForAllUnits) {
  Timeline timeline({.from = 0, .to = 1000, .max_slices = 3});
  timeline.span(0, Why::kBusy, 0, 600);
  timeline.span(1, Why::kBusy, 0, 100);
  timeline.span(1, Why::kMemory, 100, 200);
  timeline.span(1, Why::kBusy, 300, 400);  // the fourth
  EXPECT_EQ(timeline.window().to, 300u);
  EXPECT_FALSE(timeline.open(300));
  const auto slices = events(timeline, "X");
  ASSERT_EQ(slices.size(), 3u);
  for (const Json& s : slices) EXPECT_LE(s.at("ts").get<double>() + s.at("dur").get<double>(), 0.3);
}

TEST(Timeline, TheOrderInWhichUnitsReportDoesNotShow) {
  Timeline a, b;
  for (Timeline* t : {&a, &b}) {
    t->name(0, "first");
    t->name(1, "second");
  }
  a.span(0, Why::kBusy, 0, 5);
  a.span(1, Why::kBusy, 3, 4);
  a.count("y", 1, 1);
  a.count("x", 2, 0.1);
  b.count("x", 2, 0.1);
  b.count("y", 1, 1);
  b.span(1, Why::kBusy, 3, 4);
  b.span(0, Why::kBusy, 0, 5);
  EXPECT_EQ(text_of(a), text_of(b));
}

TEST(Timeline, APieceOfARunBeginsAtItsOrigin) {
  Timeline timeline({.from = 0, .to = 1000, .max_slices = 10});
  timeline.span(0, Why::kBusy, 0, 400);
  timeline.set_origin(400);
  timeline.span(0, Why::kBusy, 0, 100);  // goes on from the piece before
  timeline.span(0, Why::kMemory, 100, 900);
  timeline.count("bytes", 50, 1);
  EXPECT_TRUE(timeline.open(599));
  EXPECT_FALSE(timeline.open(600));
  const auto slices = events(timeline, "X");
  ASSERT_EQ(slices.size(), 2u);
  EXPECT_EQ(slices[0].at("dur"), 0.5);
  EXPECT_EQ(slices[1].at("dur"), 0.5);
  EXPECT_EQ(events(timeline, "C")[0].at("ts"), 0.45);
}

TEST(Timeline, OverlappingSpansOfOneUnitAreABug) {
  Timeline timeline;
  timeline.span(0, Why::kBusy, 0, 10);
  EXPECT_THROW(timeline.span(0, Why::kMemory, 9, 12), Bug);
}

}  // namespace
}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// Pieces of the looks at a simulated run: quantities, charts, and where a --set belongs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spatten/app/chart.h"
#include "spatten/app/chip_options.h"
#include "spatten/app/chip_text.h"
#include "spatten/app/quantities.h"
#include "support/error_message.h"

namespace spatten::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Quantities, HaveThreeDigitsAndThePrefixThatFits) {
  EXPECT_EQ(si(0.00272, "s"), "2.72 ms");
  EXPECT_EQ(si(8.3, "W"), "8.30 W");
  EXPECT_EQ(si(5.12e11, "B/s"), "512 GB/s");
  EXPECT_EQ(si(0.0000415, "J"), "41.5 uJ");
  EXPECT_EQ(si(0, "J"), "0 J");
  EXPECT_EQ(si(0.99999, "s"), "1.00 s");
  EXPECT_EQ(si(999.7e-6, "s"), "1.00 ms");
  EXPECT_EQ(si(1e-15, "J"), "0.00 pJ");
}

TEST(Quantities, CountsAreGrouped) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(12345678), "12,345,678");
}

TEST(Charts, BarsShareOneScaleAndEscapeTheirWords) {
  const std::string html = bar_chart({{"<qk>", "half", {{"busy", "a & b", 50}}}, {"all", "", {{"busy", "x", 75}, {"idle", "y", 25}}}});
  EXPECT_THAT(html, HasSubstr("width:50.000%"));
  EXPECT_THAT(html, HasSubstr("width:75.000%"));
  EXPECT_THAT(html, HasSubstr("&lt;qk&gt;"));
  EXPECT_THAT(html, HasSubstr("a &amp; b"));
  EXPECT_THAT(bar_chart({{"nothing", "", {{"busy", "x", 0}}}}), Not(HasSubstr("width")));
}

TEST(Charts, AHeatMapFillsACellByItsShareAndEscapesItsWords) {
  const std::string html = heat_map("unit", {"0", "1"}, {{"<qk>", "waits", {{"memory", "a & b", 0.374}, {"order", "none", 0.001}}}});
  EXPECT_THAT(html, HasSubstr("<td>&lt;qk&gt;</td><td style=\"background:color-mix(in srgb,var(--memory) 37%,transparent)\" title=\"a &amp; b\">37</td>"));
  EXPECT_THAT(html, HasSubstr("<td title=\"none\">0</td><td>waits</td>"));
  EXPECT_THAT(html, HasSubstr("<th>unit</th><th>0</th><th>1</th>"));
}

TEST(Charts, ARooflineShowsTheRunAndTheRoofAboveIt) {
  // 2 ops/B under 512 GB/s: the roof is 1.024 TFLOPS.
  const std::string svg = roofline_svg({.peak_ops_per_second = 2.048e12, .peak_bytes_per_second = 512e9, .operations_per_byte = 2, .ops_per_second = 0.512e12});
  EXPECT_THAT(svg, HasSubstr("2.00 ops/B, 0.512 TFLOPS, 50 % of the roof"));
  EXPECT_THAT(svg, HasSubstr("ridge at 4.0"));
  const std::string idle = roofline_svg({.peak_ops_per_second = 2.048e12, .peak_bytes_per_second = 512e9});
  EXPECT_THAT(idle, Not(HasSubstr("circle")));
  EXPECT_THAT(idle, Not(HasSubstr("nan")));
}

TEST(MainStall, IsTheLongestReason) {
  sim::Activity a;
  EXPECT_EQ(main_stall(a), "");
  a.set(sim::Why::kNoRoom, 10);
  a.set(sim::Why::kMemory, 15);
  a.set(sim::Why::kBusy, 25);
  EXPECT_EQ(main_stall(a), "waits for DRAM");
}

TEST(Overrides, GoToWhomTheirKeyBelongs) {
  const Overrides o = split_overrides({"topk.lanes=8", "token.keep=0.5", "memory.timing.clocks.nRC=50", "timing.clocks.nRP=20", "channels=8"});
  EXPECT_THAT(o.chip, ElementsAre("topk.lanes=8", "channels=8"));
  EXPECT_THAT(o.policy, ElementsAre("token.keep=0.5"));
  EXPECT_THAT(o.memory, ElementsAre("timing.clocks.nRC=50", "timing.clocks.nRP=20"));
}

TEST(Overrides, AnUnknownKeyNamesTheNearestOfAll) {
  EXPECT_THAT(error_message([] { split_overrides({"topp.lanes=8"}); }), HasSubstr("did you mean \"topk.lanes\"?"));
  EXPECT_THAT(error_message([] { split_overrides({"tokn.keep=1"}); }), HasSubstr("did you mean \"token.keep\"?"));
  EXPECT_THAT(error_message([] { split_overrides({"topk.lanes"}); }), HasSubstr("KEY=VALUE"));
  EXPECT_THAT(error_message([] { split_overrides({"=1"}); }), HasSubstr("KEY=VALUE"));
}

}  // namespace
}  // namespace spatten::app

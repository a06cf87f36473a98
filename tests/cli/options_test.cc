// SPDX-License-Identifier: Apache-2.0
// Values of options, numbers of results, text in columns, and the exit status of each kind of failure.
#include "spatten/app/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spatten/app/errors.h"
#include "spatten/app/locations.h"
#include "spatten/app/result_json.h"
#include "spatten/app/terminal.h"
#include "support/error_message.h"
#include "support/temp_folder.h"

namespace spatten::app {
namespace {

using ::testing::HasSubstr;

TEST(Options, IntegersAreWholeAndInRange) {
  EXPECT_EQ(parse_integer("--n", "8", {1, 8}), 8u);
  for (const char* bad : {"0", "9", "-1", "1.5", "abc", "", "8 ", "0x8", "99999999999999999999"}) {
    EXPECT_THROW(parse_integer("--n", bad, {1, 8}), UsageError) << bad;
  }
  EXPECT_EQ(error_message([] { parse_integer("--n", "0", {1, 8}); }), "--n: expected an integer from 1 to 8, found \"0\"");
}

TEST(Options, NumbersAreFiniteAndInRange) {
  EXPECT_EQ(parse_number("--x", "0.25", {0, 1}), 0.25);
  for (const char* bad : {"nan", "inf", "-0.1", "1.1", "", "half"}) EXPECT_THROW(parse_number("--x", bad, {0, 1}), UsageError) << bad;
}

TEST(ResultJson, FloatsPrintAsTheShortestDecimalThatReadsBack) {
  EXPECT_EQ(dump_json(number(0.1f)), "0.1");
  for (const float v : {1.0f / 3, 1e-30f, 16777216.0f, -0.7071068f, 3.4e38f}) {
    EXPECT_EQ(std::stof(dump_json(number(v))), v);
  }
}

TEST(ResultJson, NotANumberIsAnErrorAndNotNull) { EXPECT_THROW(number(std::numeric_limits<float>::quiet_NaN()), Error); }

TEST(Terminal, WidthsCountColumnsAndNotBytes) {
  EXPECT_EQ(display_width("naïve"), 5u);
  EXPECT_EQ(display_width("日本"), 4u);
  EXPECT_EQ(display_width("e\xCC\x81"), 1u);
  EXPECT_EQ(pad_right("日", 4), "日  ");
}

TEST(Terminal, TextIsCutAtCharacters) {
  EXPECT_EQ(fit("日本語日本語", 7), "日本...");
  EXPECT_EQ(fit("short", 7), "short");
}

TEST(Terminal, ControlCharactersAndBrokenUtf8DoNotReachTheTerminal) {
  EXPECT_EQ(one_line("a\x1b[2Jb\nc\xFF" "d"), "a [2Jb c\xEF\xBF\xBD" "d");
  EXPECT_EQ(safe_text("a\x1b\nb"), "a \nb");
  EXPECT_EQ(valid_utf8("a\x1b\nb\xFF"), "a\x1b\nb\xEF\xBF\xBD");
}

TEST(Terminal, WrappedLinesKeepToTheColumns) { EXPECT_EQ(wrapped("aa bb cc\ndd", 2, 8), "  aa bb\n  cc\n  dd\n"); }

TEST(Terminal, BarsAreClamped) {
  EXPECT_EQ(bar(0.5, 4), "██░░");
  EXPECT_EQ(bar(7, 2), "██");
  EXPECT_EQ(bar(-1, 2), "░░");
}

template <class E>
Failure failure_of(const E& error) {
  return describe_failure(std::make_exception_ptr(error));
}

TEST(Errors, EachKindHasItsExitStatus) {
  EXPECT_EQ(failure_of(Error("f", "3", "bad")).status, 1);
  EXPECT_EQ(failure_of(UsageError("bad")).status, 2);
  EXPECT_EQ(failure_of(Cancelled()).status, 130);
  EXPECT_EQ(failure_of(Bug("x")).status, 1);
  EXPECT_EQ(failure_of(std::bad_alloc()).status, 1);
  EXPECT_THAT(failure_of(std::bad_alloc()).message, HasSubstr("memory"));
  EXPECT_EQ(failure_of(ClosedPipe()).message, "");
}

TEST(Errors, AMessageIsOneLine) {
  EXPECT_EQ(failure_of(Error("a\nb", "", "c")).message.find('\n'), std::string::npos);
}

TEST(Locations, AModelIsFoundAsGivenThenInTheRootsAndByItsName) {
  TempFolder folder;
  folder.write("models/small/config.json", "{}");
  EXPECT_EQ(find_model(folder.path("models/small"), {}), folder.path("models/small"));
  EXPECT_EQ(find_model("models/small", {folder.path()}), folder.path("models/small"));
  EXPECT_EQ(find_model("small", {folder.path()}), folder.path("models/small"));
}

TEST(Locations, WhatIsNotFoundTellsWhereItWasLookedFor) {
  TempFolder folder;
  EXPECT_THAT(error_message([&] { find_model("small", {folder.path()}); }), HasSubstr(folder.path("models/small")));
  EXPECT_THAT(error_message([&] { find_data_folder("configs/pruning", {folder.path()}); }), HasSubstr(folder.path("configs/pruning")));
  EXPECT_THAT(error_message([&] { find_model(folder.write("file", ""), {}); }), HasSubstr("found something else"));
}

}  // namespace
}  // namespace spatten::app

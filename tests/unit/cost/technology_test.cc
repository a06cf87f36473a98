// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/json_tree.h"
#include "spatten/cost/technology.h"

#include <gtest/gtest.h>

#include "support/error_message.h"
#include "unit/cost/small_chip.h"

namespace spatten::cost {
namespace {

std::string complaint(const Json& table) {
  return error_message([&] { Technology::parse(dump_json(table, 1), "t.json"); });
}

/// Places in the pretty-printed table are found, so every complaint has a line.
void expect_complaint(const Json& table, const std::string& place, const std::string& words) {
  const std::string text = complaint(table);
  EXPECT_EQ(text.rfind("t.json:", 0), 0u) << text;
  EXPECT_NE(text.find(place + ":"), std::string::npos) << text;
  EXPECT_NE(text.find(words), std::string::npos) << text;
}

TEST(Technology, ReadsItsTable) {
  const Technology t = Technology::parse(dump_json(small_table()), "t.json");
  EXPECT_EQ(t.data().actions.size(), 2u);
  EXPECT_EQ(t.data().actions[1].kind, Kind::kSram);
  EXPECT_EQ(t.block("dram"), 1u);
}

TEST(Technology, ScalesMultiply) {
  const Technology t = Technology::parse(dump_json(small_table()), "t.json");
  EXPECT_DOUBLE_EQ(t.scale("actions", 1, t.data().actions[1].scales, small_chip()), 0.5 * 4);
  EXPECT_DOUBLE_EQ(t.scale("actions", 0, t.data().actions[0].scales, small_chip()), 1);
}

TEST(Technology, AScaleThatTheChipLacksNamesTheNearestKey) {
  Json table = small_table();
  table["areas"][0]["scales"][0]["key"] = "array.multiplier";
  const Technology t = Technology::parse(dump_json(table, 1), "t.json");
  const std::string text = error_message([&] { t.scale("areas", 0, t.data().areas[0].scales, small_chip()); });
  EXPECT_NE(text.find("/areas/0/scales/0/key"), std::string::npos) << text;
  EXPECT_NE(text.find("did you mean \"array.multipliers\"?"), std::string::npos) << text;
  table["areas"][0]["scales"][0]["key"] = "array.name";  // a text
  const Technology words = Technology::parse(dump_json(table, 1), "t.json");
  EXPECT_NE(error_message([&] { words.scale("areas", 0, words.data().areas[0].scales, small_chip()); }), "");
}

TEST(Technology, NegativeNumbersAreRefused) {
  for (const auto& [list, key] : {std::pair{"actions", "pj"}, {"leaks", "milliwatts"}, {"areas", "mm2"}}) {
    Json table = small_table();
    table[list][0][key] = -0.1;
    expect_complaint(table, fmt::format("/{}/0/{}", list, key), "at least 0");
  }
  Json table = small_table();
  table["blocks"][0]["energy_factor"] = 0;
  expect_complaint(table, "/blocks/0/energy_factor", "above 0");
  table = small_table();
  table["dram"]["energy_factor"] = -1;
  expect_complaint(table, "/dram/energy_factor", "above 0");
}

TEST(Technology, NumbersThatNoChipHasAreRefused) {
  for (const auto& [list, key] : {std::pair{"actions", "pj"}, {"leaks", "milliwatts"}, {"areas", "mm2"}}) {
    Json table = small_table();
    table[list][0][key] = 1e308;
    expect_complaint(table, fmt::format("/{}/0/{}", list, key), "at most 1e+09");
  }
  Json table = small_table();
  table["blocks"][0]["area_factor"] = 1e300;
  expect_complaint(table, "/blocks/0/area_factor", "at most 1e+12");
  table = small_table();
  table["areas"][0]["scales"][0]["reference"] = 1e-200;
  const Technology t = Technology::parse(dump_json(table, 1), "t.json");
  const std::string text = error_message([&] { t.scale("areas", 0, t.data().areas[0].scales, small_chip()); });
  EXPECT_NE(text.find("/areas/0/scales/0"), std::string::npos) << text;
  EXPECT_NE(text.find("at most 1e+12"), std::string::npos) << text;
}

TEST(Technology, UnknownKeysKindsAndBlocksNameTheNearest) {
  Json table = small_table();
  table["actions"][0]["pJ"] = 1;
  expect_complaint(table, "/actions/0/pJ", "did you mean \"pj\"?");
  table = small_table();
  table["actions"][0]["kind"] = "srom";
  expect_complaint(table, "/actions/0/kind", "logic, sram");
  table = small_table();
  table["leaks"][0]["block"] = "kq";
  expect_complaint(table, "/leaks/0/block", "did you mean \"qk\"?");
  table = small_table();
  table["dram"]["block"] = "drum";
  expect_complaint(table, "/dram/block", "did you mean \"dram\"?");
}

TEST(Technology, WhatIsMissingIsAnError) {
  for (const char* key : {"pj", "kind", "source", "counter"}) {
    Json table = small_table();
    table["actions"][0].erase(key);
    EXPECT_NE(complaint(table).find(key), std::string::npos) << key;
  }
  Json table = small_table();
  table.erase("dram");
  EXPECT_NE(complaint(table).find("dram"), std::string::npos);
  table = small_table();
  table["blocks"] = Json::array();
  EXPECT_NE(complaint(table).find("blocks"), std::string::npos);
}

TEST(Technology, ABlockIsListedOnceAndACounterHasAUnit) {
  Json table = small_table();
  table["blocks"][1]["name"] = "qk";
  expect_complaint(table, "/blocks/1/name", "once");
  table = small_table();
  table["actions"][0]["counter"] = "multiplies";
  expect_complaint(table, "/actions/0/counter", "UNIT.COUNTER");
}

TEST(Technology, DramIsNoKindOfAnAction) {
  Json table = small_table();
  table["actions"][0]["kind"] = "dram";
  expect_complaint(table, "/actions/0/kind", "memory's file");
}

}  // namespace
}  // namespace spatten::cost

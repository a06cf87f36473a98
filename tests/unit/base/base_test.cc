// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>

#include "spatten/base/checked.h"
#include "spatten/base/fields.h"
#include "spatten/base/nearest.h"

namespace spatten {
namespace {

TEST(Checked, RefusesEveryOperationThatLeavesTheRange) {
  EXPECT_EQ((Checked(3) * 4 + 5 - 2).value(), 15u);
  EXPECT_THROW(Checked(UINT64_MAX) + 1, Overflow);
  EXPECT_THROW(Checked(std::uint64_t{1} << 32) * (std::uint64_t{1} << 32), Overflow);
  EXPECT_THROW(Checked(1) - 2, Overflow);
  EXPECT_THROW(Checked(1) / 0, Overflow);
}

std::string message(const auto& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Nearest, PrefersWhatBeginsWithTheWord) {
  EXPECT_EQ(nearest("simul", {"fill", "simulate", "simulated"}), "simulate");
  EXPECT_EQ(nearest("fil", {"file", "fill"}), "file");
  EXPECT_EQ(nearest("fi", {"simulate", "fill"}), "fill");
  EXPECT_EQ(nearest("classfy", {"fill", "classify"}), "classify");
}

TEST(Json, NamesFileLineAndKey) {
  const JsonFile file = JsonFile::parse("{\n \"a\": {\n  \"b\": [1, 2,\n   \"x\"]}}", "f.json");
  const JsonNode b = file.root().at("a").at("b");
  EXPECT_EQ(message([&] { b.items()[2].integer(0, 9); }), "f.json:4:/a/b/2: expected an integer from 0 to 9, found \"x\"");
  EXPECT_EQ(message([&] { file.root().at("a").at("c"); }), "f.json:2:/a: expected the key \"c\", found none");
}

TEST(Json, RefusesDuplicateKeysAlsoWhenEscaped) {
  EXPECT_EQ(message([] { JsonFile::parse("{\"w\":1,\n\"\\u0077\":2}", "f"); }),
            "f:2: expected each key once, found \"w\" twice");
}

TEST(Json, RefusesDepthAndSyntax) {
  const std::string deep(10000, '[');
  EXPECT_NE(message([&] { JsonFile::parse(deep, "f"); }).find("nested levels"), std::string::npos);
  EXPECT_NE(message([] { JsonFile::parse("{\"a\": 1e400}", "f"); }), "");
  EXPECT_NE(message([] { JsonFile::parse("{\"a\": NaN}", "f"); }), "");
  EXPECT_NE(message([] { JsonFile::parse("{} x", "f"); }), "");
  EXPECT_NE(message([] { JsonFile::parse("\"\xff\"", "f"); }), "");
  EXPECT_NE(message([] { JsonFile::parse("", "f"); }), "");
}

struct Inner {
  double ratio = 0.5;
  template <class S, class F>
  static void each(S& s, F&& f) {
    f("ratio", s.ratio, "ratio", "a ratio");
  }
};
struct Outer {
  int count = 3;
  Inner inner;
  std::vector<int> list;
  template <class S, class F>
  static void each(S& s, F&& f) {
    f("count", s.count, "", "");
    f("inner", s.inner, "", "");
    f("list", s.list, "", "");
  }
};

TEST(Fields, ReadWriteAndOverrideFromOneList) {
  Json json = write_field(Outer{});
  apply_override(json, "inner.ratio=0.25");
  apply_override(json, "list=[1,2]");
  const JsonFile file = JsonFile::parse(json.dump(), "f");
  Outer out;
  read_fields(file.root(), out);
  EXPECT_EQ(out.inner.ratio, 0.25);
  EXPECT_EQ(out.list, (std::vector<int>{1, 2}));
  apply_override(json, "inner.ration=1");
  EXPECT_EQ(message([&] {
              const JsonFile bad = JsonFile::parse(json.dump(), "f");
              read_fields(bad.root(), out);
            }),
            "f:1:/inner/ration: unknown key, did you mean \"ratio\"?");
}

}  // namespace
}  // namespace spatten

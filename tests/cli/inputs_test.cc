// SPDX-License-Identifier: Apache-2.0
// Where items come from and what is said about bad ones.
#include "spatten/app/inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/error_message.h"
#include "support/temp_folder.h"

namespace spatten::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<Item> read_all(const Arguments& arguments, const InputOptions& options, const ItemRules& rules = {}) {
  ItemReader reader(arguments, options, rules, nullptr);
  std::vector<Item> out;
  for (Item item; reader.next(item);) out.push_back(item);
  return out;
}

std::vector<std::string> texts(const std::vector<Item>& items) {
  std::vector<std::string> out;
  for (const Item& i : items) out.push_back(i.text);
  return out;
}

class Inputs : public ::testing::Test {
 protected:
  std::string error_of(const std::string& contents, bool json_lines, const ItemRules& rules = {}) {
    const std::string path = folder_.write("in", contents);
    return error_message([&] { read_all({}, {.files = {path}, .json_lines = json_lines}, rules); }).substr(path.size());
  }
  std::vector<Item> lines(const std::string& contents, bool json_lines, const ItemRules& rules = {}) {
    return read_all({}, {.files = {folder_.write("in", contents)}, .json_lines = json_lines}, rules);
  }
  TempFolder folder_;
};

TEST_F(Inputs, ArgumentsComeFirstThenFilesAndAreNumberedThrough) {
  const std::string path = folder_.write("in", "three\nfour");
  const auto items = read_all({"one", "[two, 2]"}, {.files = {path}});
  EXPECT_THAT(texts(items), ElementsAre("one", "[two, 2]", "three", "four"));
  EXPECT_EQ(items[3].id, 3);
  EXPECT_EQ(items[0].place, "argument 1");
  EXPECT_EQ(items[3].place, path + ":2");
}

TEST_F(Inputs, LineEndsAndAByteOrderMarkAreNotText) {
  EXPECT_THAT(texts(lines("\xEF\xBB\xBFone\r\ntwo\r\n", false)), ElementsAre("one", "two"));
}

TEST_F(Inputs, LinesLongerThanAChunkAreWhole) {
  const std::string lengthy(300'000, 'x');
  EXPECT_THAT(texts(lines(lengthy + "\ny\n" + lengthy, false)), ElementsAre(lengthy, "y", lengthy));
}

TEST_F(Inputs, JsonLinesBringTheirIdsAndPairs) {
  const auto items = lines("{\"id\": \"a\", \"text\": \"x\", \"pair\": \"y\"}\n{\"id\": 7, \"text\": \"z\", \"label\": 1}\n{\"text\": \"w\"}\n", true);
  EXPECT_EQ(items[0].id, "a");
  EXPECT_EQ(*items[0].pair, "y");
  EXPECT_EQ(items[1].id, 7);
  EXPECT_EQ(items[2].id, 2);
}

TEST_F(Inputs, QueriesAndContextsHaveTheirOwnKeys) {
  const auto queries = lines(R"({"query": "q", "passages": ["a", "b"]})", true, {.shape = ItemShape::kQuery, .pair = {}});
  EXPECT_THAT(queries[0].passages, ElementsAre("a", "b"));
  const auto contexts = lines(R"({"question": "q", "context": "c"})", true, {.shape = ItemShape::kContext, .pair = {}});
  EXPECT_EQ(contexts[0].text, "c");
  EXPECT_EQ(*contexts[0].pair, "q");
}

TEST_F(Inputs, BrokenJsonNamesFileAndLine) {
  EXPECT_THAT(error_of("{\"text\": \"x\"}\n{\"text\": }\n", true), ::testing::StartsWith(":2"));
  EXPECT_THAT(error_of("{\"text\": 5}", true), HasSubstr("expected a string, found 5"));
  EXPECT_THAT(error_of("[1]", true), HasSubstr("expected an object"));
  EXPECT_THAT(error_of("{\"id\": 1.5, \"text\": \"x\"}", true), HasSubstr("expected a string or an integer"));
  EXPECT_THAT(error_of("{\"id\": 1}", true), HasSubstr("\"text\""));
}

TEST_F(Inputs, AKeyOneLetterOffIsASlipAndNamesTheRightOne) {
  EXPECT_THAT(error_of("{\"text\": \"x\", \"pairs\": \"y\"}", true), HasSubstr("did you mean \"pair\"?"));
}

TEST_F(Inputs, AnEmptyTextIsAnErrorWithItsPlaceUnlessAllowed) {
  EXPECT_EQ(error_of("one\n \t\nthree\n", false), ":2: expected a text, found an empty one");
  EXPECT_THAT(texts(lines("\n", false, {.allow_empty = true, .pair = {}})), ElementsAre(""));
}

TEST_F(Inputs, BadUtf8NamesTheByte) { EXPECT_EQ(error_of("ok\nab\xFF\n", false), ":2:byte 3: expected UTF-8, found the byte 0xff"); }

TEST_F(Inputs, NoInputIsWrongUsage) { EXPECT_THROW(read_all({}, {}), UsageError); }

TEST_F(Inputs, MissingFilesAndFoldersAreNamed) {
  EXPECT_THAT(error_message([&] { read_all({}, {.files = {folder_.path("none")}}); }), HasSubstr("none: cannot open"));
  EXPECT_THAT(error_message([&] { read_all({}, {.files = {folder_.path()}}); }), HasSubstr("expected a file, found a folder"));
}

}  // namespace
}  // namespace spatten::app

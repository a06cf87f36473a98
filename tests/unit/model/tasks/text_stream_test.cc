// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/text_stream.h"

#include <gmock/gmock.h>

namespace spatten {
namespace {

using testing::ElementsAre;

/// What each push gave, and the rest at the end.
std::vector<std::string> pieces(TextStream& stream, const std::vector<std::string>& tokens) {
  std::vector<std::string> out;
  for (const std::string& t : tokens) out.push_back(stream.push(t));
  out.push_back(stream.finish());
  return out;
}

std::vector<std::string> pieces(const std::vector<std::string>& stop, const std::vector<std::string>& tokens) {
  TextStream stream(stop);
  return pieces(stream, tokens);
}

TEST(TextStream, GivesTextAsItComes) {
  EXPECT_THAT(pieces({}, {"one", " two", ""}), ElementsAre("one", " two", "", ""));
}

TEST(TextStream, HoldsBackCharactersThatAreNotFinished) {
  EXPECT_THAT(pieces({}, {"caf\xC3", "\xA9!"}), ElementsAre("caf", "\xC3\xA9!", ""));
  EXPECT_THAT(pieces({}, {"\xE4", "\xB8", "\xAD"}), ElementsAre("", "", "\xE4\xB8\xAD", ""));
  EXPECT_THAT(pieces({}, {"\xF0\x9F", "\x99\x82\xF0", "\x9F\x99\x82"}),
              ElementsAre("", "\xF0\x9F\x99\x82", "\xF0\x9F\x99\x82", ""));
}

TEST(TextStream, GivesAnUnfinishedCharacterAtTheEnd) { EXPECT_THAT(pieces({}, {"a\xE4\xB8"}), ElementsAre("a", "\xE4\xB8")); }

TEST(TextStream, DoesNotWaitForBytesThatBeginNoCharacter) {
  EXPECT_THAT(pieces({}, {"\x80", "\x80\x80\x80\x80"}), ElementsAre("\x80", "\x80\x80\x80\x80", ""));
}

TEST(TextStream, EndsBeforeAStopStringSplitOverTokens) {
  TextStream stream({"STOP"});
  EXPECT_THAT(pieces(stream, {"one S", "T", "OP two", "three"}), ElementsAre("one ", "", "", "", ""));
  EXPECT_TRUE(stream.stopped());
  EXPECT_EQ(stream.text(), "one ");
}

TEST(TextStream, GivesWhatLookedLikeAStopStringWhenItIsNone) {
  TextStream stream({"STOP"});
  EXPECT_THAT(pieces(stream, {"one ST", "A", "STO"}), ElementsAre("one ", "STA", "", "STO"));
  EXPECT_FALSE(stream.stopped());
  EXPECT_EQ(stream.text(), "one STASTO");
}

TEST(TextStream, FindsAStopStringThatBeginsInsideAFalseStart) {
  TextStream stream({"aab"});
  EXPECT_THAT(pieces(stream, {"aa", "a", "b"}), ElementsAre("", "a", "", ""));
  EXPECT_EQ(stream.text(), "a");
}

TEST(TextStream, StopsAtTheFirstOfSeveral) {
  TextStream stream({"two", "one"});
  EXPECT_THAT(pieces(stream, {"zero one two"}), ElementsAre("zero ", ""));
  EXPECT_EQ(stream.text(), "zero ");
}

TEST(TextStream, StopsInsideACharacterOfSeveralTokens) {
  TextStream stream({"\xC3\xA9"});
  EXPECT_THAT(pieces(stream, {"caf\xC3", "\xA9s"}), ElementsAre("caf", "", ""));
  EXPECT_TRUE(stream.stopped());
}

TEST(TextStream, GivesTheSameTextHoweverItIsCut) {
  const std::string text = "na\xC3\xAFve \xE4\xB8\xAD END of it";
  for (std::size_t step = 1; step <= text.size(); ++step) {
    TextStream stream({"END"});
    std::string out;
    for (std::size_t at = 0; at < text.size(); at += step) out += stream.push(text.substr(at, step));
    out += stream.finish();
    EXPECT_EQ(out, "na\xC3\xAFve \xE4\xB8\xAD ") << step;
    EXPECT_EQ(stream.text(), out);
  }
}

}  // namespace
}  // namespace spatten

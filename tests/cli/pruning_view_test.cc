// SPDX-License-Identifier: Apache-2.0
// The looks at a pruning story, on one that can be checked by hand: "[CLS] un forget table film [SEP]" over three layers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "spatten/app/pruning_page.h"
#include "spatten/app/pruning_story.h"
#include "spatten/app/pruning_view.h"
#include "spatten/app/terminal.h"
#include "spatten/base/json_tree.h"
#include "spatten/model/tokenizer/load.h"
#include "support/temp_folder.h"

namespace spatten::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PruningStoryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_.write("vocab.txt", "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##forget\n##table\nfilm\n");
    tokenizer_ = load_tokenizer(folder_.path(), Family::kBert);
    config_.layers = 3;
    config_.heads = 2;
    run_.work = {.ops_executed = 50, .ops_dense_equivalent = 100, .kv_bytes_read = 1, .kv_bytes_dense = 4};
    run_.pruning.survivors = {{0, 1, 2, 3, 4, 5}, {0, 1, 2, 4}, {0, 4}};
    run_.pruning.heads = {{0, 1}, {1}, {1}};
    run_.pruning.layer_scores = {{3, 1, 1, 0.5f, 2, 0}, {4, 1, 1, 0.5f, 3, 0}, {5, 1, 1, 0.5f, 4, 0}};
    run_.pruning.token_scores = run_.pruning.layer_scores.back();
    run_.pruning.layer_ops = {40, 8, 2};
    run_.pruning.layer_ops_dense = {40, 40, 20};
    run_.pruning.schedule = {{6, 4, 2}, {2, 1, 1}, {6, 4, 2}};
  }
  PruningStory story() const {
    PruningStory s = make_story(*tokenizer_, std::vector<std::int32_t>{2, 5, 6, 7, 8, 3}, run_, config_);
    s.title = "positive";
    s.policy = "half";
    return s;
  }

  TempFolder folder_;
  std::unique_ptr<Tokenizer> tokenizer_;
  ModelConfig config_;
  RunReport run_;
};

TEST_F(PruningStoryTest, ATokenReachedTheLayersThatItEntered) {
  EXPECT_THAT(layers_reached(story()), ::testing::ElementsAre(3, 2, 2, 1, 3, 1));
}

TEST_F(PruningStoryTest, PiecesThatLeaveTogetherAreOneWordAndTheOthersStayApart) {
  std::vector<std::string> texts;
  for (const StoryWord& w : story_words(story())) texts.push_back((w.joins ? "+" : "") + w.text);
  EXPECT_THAT(texts, ::testing::ElementsAre("[CLS]", "unforget", "+table", "film", "[SEP]"));
}

TEST_F(PruningStoryTest, WithoutACascadeEverythingStays) {
  run_.pruning = PruningReport();
  EXPECT_THAT(layers_reached(story()), ::testing::Each(3));
}

TEST_F(PruningStoryTest, TokensThatTheRunNeverSawAreLeftOut) {
  const PruningStory s = make_story(*tokenizer_, std::vector<std::int32_t>{2, 5, 6, 7, 8, 3, 8}, run_, config_);
  EXPECT_EQ(s.tokens.size(), 6u);
}

TEST_F(PruningStoryTest, PlainViewShowsEachLayerWithDotsForWhatLeft) {
  EXPECT_EQ(pruning_view(story(), 80, false),
            "layer   tokens  heads  work\n"
            "    0      6/6    2/2  ██████████ 100 %  [CLS] unforgettable film [SEP]\n"
            "    1      4/6    1/2  ██░░░░░░░░  20 %  [CLS] unforget····· film ·····\n"
            "    2      2/6    1/2  █░░░░░░░░░  10 %  [CLS] ············· film ·····\n"
            "work 50 % (50 of 100 operations), K and V read 25 % (1 B of 4 B)\n");
}

TEST_F(PruningStoryTest, NarrowViewPutsTheSentenceBelowItsNumbersInTheColumnsThereAre) {
  const std::string view = pruning_view(story(), 40, false);
  EXPECT_THAT(view, HasSubstr("100 %\n  [CLS] unforgettable film [SEP]\n"));
  std::istringstream lines(view);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(display_width(line), 40u) << line;
}

TEST_F(PruningStoryTest, ColourStrikesAWordInTheLayerThatItMissesFirst) {
  const std::string view = pruning_view(story(), 80, true);
  EXPECT_THAT(view, HasSubstr("\x1b[2;9mtable\x1b[0m"));
  EXPECT_EQ(std::regex_replace(view, std::regex("\x1b\\[[0-9;]*m"), "").find('\x1b'), std::string::npos);
}

TEST_F(PruningStoryTest, PageIsOneFileWithoutOutsideResources) {
  const std::string page = pruning_page("SpAtten", {story()});
  EXPECT_THAT(page, HasSubstr("prefers-color-scheme"));
  for (const char* outside : {"http:", "https:", "src=", "href=", "@import", "url("}) EXPECT_THAT(page, Not(HasSubstr(outside)));
}

TEST_F(PruningStoryTest, PageTellsTheLayerAndTheScoresOfEachWord) {
  const std::string page = pruning_page("SpAtten", {story()});
  EXPECT_THAT(page, HasSubstr(R"({"text":"unforget","reached":2,"scores":[2.0,2.0,2.0]})"));
  EXPECT_THAT(page, HasSubstr("<span class=\"w joins leaves\" data-w=\"0.2\">table</span>"));
  EXPECT_THAT(page, HasSubstr("50 of 100"));
}

TEST_F(PruningStoryTest, PageEscapesWhateverAUserWrote) {
  PruningStory s = story();
  s.title = "<script>alert(1)</script>";
  s.policy = "\"><img onerror=x>";
  s.tokens[4].text = "</script><b onclick='x'>&";
  const std::string page = pruning_page("a<b", {s});
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("<b onclick")));
  EXPECT_THAT(page, HasSubstr("&lt;script&gt;alert(1)&lt;/script&gt;"));
  EXPECT_THAT(page, HasSubstr("\\u003c/script\\u003e"));
}

TEST_F(PruningStoryTest, JsonHasTheFieldsOfTheInterface) {
  const Json j = pruning_json(story());
  EXPECT_EQ(j["tokens"][2], "##forget");
  EXPECT_EQ(j["survivors"][2], Json({0, 4}));
  EXPECT_EQ(j["heads"][1], Json({1}));
  EXPECT_EQ(j["token_scores"][0], 5.0);
  EXPECT_EQ(j["schedule"]["tokens"], Json({6, 4, 2}));
}

}  // namespace
}  // namespace spatten::app

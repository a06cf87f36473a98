// SPDX-License-Identifier: Apache-2.0
// The prefix tree, and the search for added tokens that is made of it.
#include "spatten/model/tokenizer/trie.h"

#include <gtest/gtest.h>

#include <map>

#include "spatten/base/error.h"
#include "spatten/base/random.h"
#include "spatten/model/tokenizer/added_tokens.h"

namespace spatten {
namespace {

const auto kAny = [](std::int32_t) { return true; };

TEST(Trie, FindsTheLongestEntry) {
  const Trie trie({{"a", 0}, {"abc", 1}, {"b", 2}});
  EXPECT_EQ(trie.longest(Trie::kRoot, "abcd", kAny).value, 1);
  EXPECT_EQ(trie.longest(Trie::kRoot, "abx", kAny).value, 0);
  EXPECT_EQ(trie.longest(Trie::kRoot, "abx", kAny).length, 1u);
  EXPECT_EQ(trie.longest(Trie::kRoot, "x", kAny).length, 0u);
  EXPECT_EQ(trie.longest(Trie::kRoot, "", kAny).length, 0u);
  EXPECT_EQ(trie.longest(Trie::kRoot, "abc", [](std::int32_t v) { return v != 1; }).value, 0);
}

TEST(Trie, WalksToWherePrefixesLead) {
  const Trie trie({{"##s", 7}, {"#", 8}});
  const Trie::Node node = trie.walk(Trie::kRoot, "##");
  ASSERT_NE(node, Trie::kNone);
  EXPECT_EQ(trie.longest(node, "sx", kAny).value, 7);
  EXPECT_EQ(trie.walk(Trie::kRoot, "#x"), Trie::kNone);
  EXPECT_EQ(trie.walk(Trie::kRoot, ""), Trie::kRoot);
}

TEST(Trie, OfNothingMatchesNothing) { EXPECT_EQ(Trie().longest(Trie::kRoot, "abc", kAny).length, 0u); }

TEST(Trie, RefusesAKeyThatOccursTwice) { EXPECT_THROW(Trie({{"a", 0}, {"a", 1}}), Bug); }

TEST(Trie, AgreesWithASearchOfAllPrefixes) {
  Random random(1);
  const auto random_text = [&](std::size_t length) {
    std::string out;
    while (out.size() < length) out += static_cast<char>("ab\xFF"[random.below(3)]);
    return out;
  };
  for (int round = 0; round < 200; ++round) {
    std::map<std::string, std::int32_t> entries;
    for (std::int32_t i = 0; i < 12; ++i) entries.emplace(random_text(1 + random.below(5)), i);
    const Trie trie(std::vector<std::pair<std::string_view, std::int32_t>>(entries.begin(), entries.end()));
    const std::string text = random_text(random.below(8));
    Trie::Match expected;
    for (std::size_t n = 1; n <= text.size(); ++n) {
      if (const auto it = entries.find(text.substr(0, n)); it != entries.end()) expected = {it->second, n};
    }
    const Trie::Match got = trie.longest(Trie::kRoot, text, kAny);
    EXPECT_EQ(got.length, expected.length);
    EXPECT_EQ(got.value, expected.value);
  }
}

TEST(AddedTokens, LeftmostThenLongestWins) {
  const AddedTokens tokens({{"<a>", 1, true}, {"<a><b>", 2, true}, {"word", 3, false}});
  AddedTokens::Found found = tokens.next("x<a><b><a>", 0, true);
  EXPECT_EQ(found.id, 2);
  EXPECT_EQ(found.begin, 1u);
  EXPECT_EQ(found.end, 7u);
  found = tokens.next("x<a><b><a>", found.end, true);
  EXPECT_EQ(found.id, 1);
  found = tokens.next("none", 0, true);
  EXPECT_EQ(found.begin, 4u);
  EXPECT_EQ(found.end, 4u);
}

TEST(AddedTokens, SpecialOnesAreFoundOnlyWhenAsked) {
  const AddedTokens tokens({{"<a>", 1, true}, {"word", 3, false}});
  EXPECT_EQ(tokens.next("<a>word", 0, false).begin, 3u);
  EXPECT_EQ(tokens.next("<a>word", 0, true).begin, 0u);
  EXPECT_TRUE(tokens.is_special(1) && !tokens.is_special(3) && !tokens.is_special(9));
  EXPECT_TRUE(tokens.contains(3) && !tokens.contains(9));
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// The shape of the source tree: who includes whom (layers.txt), header cycles, file names, first lines.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <regex>

#include "architecture/include_rules.h"
#include "spatten/base/error.h"
#include "spatten/base/file.h"

namespace spatten::architecture {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Source {
  std::string path;   // from the repository root
  std::string layer;  // "base", ..., "tests"
  std::string text;
};

std::string layer_of(const fs::path& path) {
  const bool ours = *path.begin() == "src";  // src/spatten/LAYER/...
  return std::next(path.begin(), ours ? 2 : 0)->string();
}

/// Every C++ file of the repository, in the order of its path.
std::vector<Source> sources() {
  const fs::path root = SPATTEN_SOURCE_DIR;
  std::vector<Source> found;
  for (const char* top : {"src/spatten", "tests", "bench", "fuzz"}) {
    if (!fs::is_directory(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const fs::path path = fs::relative(entry.path(), root);
      if (path.extension() != ".cc" && path.extension() != ".h") continue;
      found.push_back({path.string(), layer_of(path), read_file(entry.path().string())});
    }
  }
  std::sort(found.begin(), found.end(), [](const Source& a, const Source& b) { return a.path < b.path; });
  return found;
}

IncludeRules rules() { return IncludeRules::parse(read_file(SPATTEN_SOURCE_DIR "/tests/architecture/layers.txt")); }

/// Highway's per-target code is read once per instruction set and guards itself.
bool is_per_target(const std::string& path) { return path.ends_with("-inl.h"); }

/// The tests' own headers, beside the test or named from tests/, say nothing about layers.
bool is_test_header(const Source& source, const std::string& header) {
  const fs::path root = SPATTEN_SOURCE_DIR;
  return fs::exists(root / "tests" / header) || fs::exists((root / source.path).parent_path() / header);
}

TEST(Architecture, EveryIncludeIsAllowedByLayersTxt) {
  const IncludeRules allowed = rules();
  std::vector<std::string> offences;
  for (const Source& source : sources()) {
    ASSERT_TRUE(allowed.knows_layer(source.layer)) << source.path << ": layers.txt has no layer " << source.layer;
    for (const Include& include : includes_of(source.path, source.layer, source.text)) {
      if (source.layer == "tests" && is_test_header(source, include.header)) continue;
      if (const auto offence = allowed.offence(include)) offences.push_back(*offence);
    }
  }
  EXPECT_THAT(offences, IsEmpty());
}

TEST(Architecture, NoHeaderIncludesItselfByWayOfOthers) {
  std::map<std::string, std::vector<std::string>> graph;
  for (const Source& source : sources()) {
    for (const Include& include : includes_of(source.path, source.layer, source.text)) {
      graph[source.path].push_back("src/" + include.header);
    }
  }
  EXPECT_THAT(find_cycle(graph), IsEmpty());
}

TEST(Architecture, EveryFileNamesItsLicenceInTheFirstLine) {
  for (const Source& source : sources()) {
    EXPECT_EQ(source.text.rfind("// SPDX-License-Identifier: Apache-2.0\n", 0), 0u) << source.path;
  }
}

TEST(Architecture, EveryHeaderIsGuardedByPragmaOnce) {
  for (const Source& source : sources()) {
    if (source.path.ends_with(".cc") || is_per_target(source.path)) continue;
    EXPECT_THAT(source.text, HasSubstr("\n#pragma once\n")) << source.path;
  }
}

TEST(Architecture, FilesAndFoldersAreNamedInSnakeCase) {
  const std::regex snake_case("([a-z][a-z0-9_]*/)*[a-z][a-z0-9_]*(\\.cc|\\.h|-inl\\.h)");
  for (const Source& source : sources()) EXPECT_TRUE(std::regex_match(source.path, snake_case)) << source.path;
}

TEST(Architecture, EveryPathNamedInTheGuidesExists) {
  const std::regex path("`((?:src|tests|docs|configs|cmake|fuzz|bench|tools)/[A-Za-z0-9_./-]*[A-Za-z0-9_])");
  for (const std::string guide : {"docs/architecture.md", "docs/paper_map.md", "docs/deviations.md", "CONTRIBUTING.md"}) {
    const std::string text = read_file(std::string(SPATTEN_SOURCE_DIR "/") + guide);
    for (std::sregex_iterator named(text.begin(), text.end(), path), end; named != end; ++named) {
      EXPECT_TRUE(fs::exists(fs::path(SPATTEN_SOURCE_DIR) / (*named)[1].str())) << guide << " names " << (*named)[1];
    }
  }
}

TEST(IncludeRules, AllowOwnLayerAndListedOnesAndRefuseTheRest) {
  const IncludeRules small = IncludeRules::parse("[layers]\nbase:\nalgo: base\n[headers]\nhwy/: algo\nthread: base\n");
  const auto offence = [&](const char* from, const char* header) {
    return small.offence({"f.cc", 7, from, header}).value_or("");
  };
  EXPECT_EQ(offence("algo", "spatten/algo/topk.h"), "");
  EXPECT_EQ(offence("algo", "spatten/base/error.h"), "");
  EXPECT_EQ(offence("base", "spatten/algo/topk.h"), "f.cc:7: base may not include algo (spatten/algo/topk.h)");
  EXPECT_EQ(offence("algo", "hwy/highway.h"), "");
  EXPECT_EQ(offence("base", "hwy/highway.h"), "f.cc:7: base may not include <hwy/highway.h>");
  EXPECT_EQ(offence("algo", "thread"), "f.cc:7: algo may not include <thread>");
  EXPECT_EQ(offence("algo", "vector"), "");
  EXPECT_EQ(offence("algo", "boost/any.hpp"), "f.cc:7: <boost/any.hpp> is not listed in layers.txt");
}

TEST(IncludeRules, RefuseALineOutsideASection) {
  EXPECT_THROW(IncludeRules::parse("base: algo\n"), Error);
  EXPECT_THROW(IncludeRules::parse("[layers]\nbase\n"), Error);
}

TEST(IncludesOf, FindsBothFormsWithTheirLines) {
  const auto found = includes_of("f.cc", "algo", "// #include <no>\n#include <vector>\n  # include \"spatten/base/x.h\"\n");
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].header, "vector");
  EXPECT_EQ(found[0].line, 2u);
  EXPECT_EQ(found[1].header, "spatten/base/x.h");
  EXPECT_EQ(found[1].line, 3u);
}

TEST(FindCycle, NamesTheFilesOfACycleAndNothingElse) {
  EXPECT_THAT(find_cycle({{"a", {"b"}}, {"b", {"c"}}, {"c", {}}, {"d", {"b", "c"}}}), IsEmpty());
  EXPECT_THAT(find_cycle({{"a", {"b"}}, {"b", {"c", "d"}}, {"d", {"b"}}}), ElementsAre("b", "d", "b"));
}

}  // namespace
}  // namespace spatten::architecture

// SPDX-License-Identifier: Apache-2.0
// Policies as users write them: presets, files, overrides, and what a wrong one is told.
#include "spatten/algo/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spatten/algo/policy_file.h"
#include "spatten/algo/schedule.h"
#include "spatten/base/fields.h"
#include "spatten/base/file.h"
#include "support/temp_folder.h"

namespace spatten::algo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kConfigs = std::string(SPATTEN_SOURCE_DIR) + "/configs/pruning";

std::string message(const auto& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing thrown";
}

std::string refusal(const std::string& text) {
  return message([&] {
    const JsonFile file = JsonFile::parse(text, "p.json");
    read_policy(file.root());
  });
}

TEST(Policy, DefaultIsDense) {
  const Policy policy;
  EXPECT_FALSE(policy.enabled());
  EXPECT_FALSE(policy.token_pruning() || policy.head_pruning() || policy.value_pruning() || policy.quantized());
}

TEST(Policy, ReadsBackWhatItResolvesTo) {
  for (const std::string& name : policy_presets(kConfigs)) {
    const Json json = resolved(load_policy(name, kConfigs));
    const JsonFile again = JsonFile::parse(dump_json(json, 2), name);
    EXPECT_EQ(resolved(read_policy(again.root())), json) << name;
  }
}

TEST(Policy, SaysWhereAndWhat) {
  EXPECT_EQ(refusal("{\"token\": {\n\"kep\": 0.5}}"), "p.json:2:/token/kep: unknown key, did you mean \"keep\"?");
  EXPECT_EQ(refusal("{\"token\": {\n\"keep\": 0}}"), "p.json:2:/token/keep: expected a ratio in (0, 1], found 0");
  EXPECT_THAT(refusal("{\"token\": {\"importance\": \"accumulated\"}}"),
              StartsWith("p.json:1:/token/importance: expected one of accumulated_attention, normalised"));
  EXPECT_THAT(refusal("{\"token\": {\"first_iteration\": -1}}"), HasSubstr("/token/first_iteration"));
  EXPECT_THAT(refusal("[]"), HasSubstr("expected an object"));
}

TEST(Policy, RefusesRatiosOutsideZeroToOne) {
  for (const char* text :
       {R"({"token": {"keep": 1.01}})", R"({"token": {"keep": -0.5}})", R"({"head": {"keep": 0}})",
        R"({"value": {"keep": 0}})", R"({"value": {"keep": 2}})", R"({"token": {"rescale": 0}})",
        R"({"token": {"ratios": [1, 0]}})", R"({"token": {"steps": [{"after_layer": 1, "keep": 0}]}})",
        R"({"token": {"length_rule": [{"min_length": 1, "keep": 0}]}})", R"({"token": {"start": 1.2}})"}) {
    EXPECT_THAT(refusal(text), HasSubstr("expected a ratio in (0, 1]")) << text;
  }
  EXPECT_THAT(refusal(R"({"token": {"protected_layers": 1.5}})"), HasSubstr("expected a number from 0 to 1"));
  EXPECT_THAT(refusal(R"({"token": {"protect": {"recent": -1}}})"), HasSubstr("expected a number from 0 to 1"));
  EXPECT_THAT(refusal(R"({"quantization": {"threshold": 1.5}})"), HasSubstr("expected a number from 0 to 1"));
}

TEST(Policy, RefusesToKeepNothing) {
  EXPECT_THAT(refusal(R"({"token": {"counts": [5, 0]}})"), HasSubstr("/token/counts: expected at least 1"));
  EXPECT_THAT(refusal(R"({"head": {"counts": [0]}})"), HasSubstr("/head/counts: expected at least 1"));
}

TEST(Policy, RefusesPrunedTokensThatReturn) {
  EXPECT_THAT(refusal(R"({"token": {"ratios": [1, 0.5, 0.6]}})"), HasSubstr("do not grow from layer to layer"));
  EXPECT_THAT(refusal(R"({"head": {"counts": [4, 5]}})"), HasSubstr("do not grow from layer to layer"));
  EXPECT_THAT(refusal(R"({"token": {"steps": [{"after_layer": 1, "keep": 0.5}, {"after_layer": 2, "keep": 0.6}]}})"),
              HasSubstr("ratios that do not grow"));
  EXPECT_THAT(refusal(R"({"token": {"steps": [{"after_layer": 1, "keep": 0.5}, {"after_layer": 1, "keep": 0.4}]}})"),
              HasSubstr("ascending after_layer"));
  EXPECT_THAT(refusal(R"({"token": {"keep": 0.5, "start": 0.4, "end": 0.6}})"), HasSubstr("/token/start"));
}

TEST(Policy, RefusesSettingsThatContradictEachOther) {
  EXPECT_THAT(refusal(R"({"token": {"keep": 0.5, "counts": [3]}})"), HasSubstr("\"counts\" beside \"keep\""));
  EXPECT_THAT(refusal(R"({"token": {"ratios": [0.5], "steps": [{"keep": 0.5}]}})"),
              HasSubstr("\"steps\" beside \"ratios\""));
  EXPECT_THAT(refusal(R"({"head": {"keep": 0.5, "ratios": [0.5]}})"), HasSubstr("\"ratios\" beside \"keep\""));
  EXPECT_THAT(refusal(R"({"token": {"start": 0.8, "end": 0.4}})"), HasSubstr("expected (start + end) / 2 = 0.6"));
  EXPECT_THAT(refusal(R"({"token": {"keep": 0.5, "start": 1.0}})"), HasSubstr("less than twice"));
  EXPECT_THAT(refusal(R"({"token": {"keep": 0.8, "end": 0.5}})"), HasSubstr("/token/end"));
  EXPECT_THAT(refusal(R"({"token": {"counts": [3], "reference_length": 9}})"), HasSubstr("/token/reference_length"));
  EXPECT_THAT(refusal(R"({"token": {"reference_layers": 9}})"), HasSubstr("/token/reference_layers"));
  EXPECT_THAT(refusal(R"({"quantization": {"msb_bits": 8, "key_bits": 8}})"), HasSubstr("msb_bits + lsb_bits = 12"));
}

TEST(Policy, RefusesWidthsThatDoNotExist) {
  EXPECT_THAT(refusal(R"({"quantization": {"key_bits": 3}})"), HasSubstr("expected 0 or 4 to 12 bits, found 3"));
  EXPECT_THAT(refusal(R"({"quantization": {"value_bits": 13}})"), HasSubstr("expected 0 or 4 to 12 bits, found 13"));
  EXPECT_THAT(refusal(R"({"quantization": {"msb_bits": 5}})"), HasSubstr("4, 6, 8, 10 or 12"));
  EXPECT_THAT(refusal(R"({"quantization": {"lsb_bits": 2}})"), HasSubstr("expected 0 or 4 bits, found 2"));
}

TEST(Policy, KnowsTheWidthOfStoredKeys) {
  EXPECT_EQ((QuantizationPolicy{.key_bits = 8}.stored_key_bits()), 8u);
  const QuantizationPolicy split{.msb_bits = 6};
  EXPECT_TRUE(split.progressive());
  EXPECT_EQ(split.stored_key_bits(), 10u);
  const QuantizationPolicy msb_only{.msb_bits = 6, .lsb_bits = 0};
  EXPECT_FALSE(msb_only.progressive());
  EXPECT_EQ(msb_only.stored_key_bits(), 6u);
}

TEST(PolicyFile, TakesOverridesByDottedKeys) {
  const Policy policy = load_policy(
      "none", kConfigs,
      {"token.keep=0.5", "head.keep=0.75", "value.keep=0.25", "quantization.msb_bits=8", "quantization.lsb_bits=4",
       "quantization.threshold=0.05", "token.importance=recent", "token.counts=[]"});
  EXPECT_EQ(policy.token.keep, 0.5);
  EXPECT_EQ(policy.head.keep, 0.75);
  EXPECT_EQ(policy.value.keep, 0.25);
  EXPECT_EQ(policy.quantization.threshold, 0.05);
  EXPECT_EQ(policy.token.importance, Importance::kRecent);
  EXPECT_TRUE(policy.token_pruning() && policy.head_pruning() && policy.value_pruning() &&
              policy.quantization.progressive());
}

TEST(PolicyFile, CallsABadOverrideWrongUsage) {
  EXPECT_THROW(load_policy("none", kConfigs, {"token.kep=0.5"}), UsageError);
  EXPECT_THAT(message([] { load_policy("none", kConfigs, {"token.kep=0.5"}); }), HasSubstr("did you mean \"keep\""));
  EXPECT_THROW(load_policy("none", kConfigs, {"token.keep"}), UsageError);
  EXPECT_THROW(load_policy("none", kConfigs, {"token.keep=2"}), UsageError);
  EXPECT_THROW(load_policy("none", kConfigs, {"token=7"}), UsageError);
  EXPECT_THROW(load_policy("paper-gpt2", kConfigs, {"token.keep=0.5"}), UsageError);  // beside its steps
}

TEST(PolicyFile, NamesTheNearestPreset) {
  const auto unknown = [] { load_policy("tokens-hlaf", kConfigs); };
  EXPECT_THROW(unknown(), UsageError);
  EXPECT_THAT(message(unknown), HasSubstr("did you mean \"tokens-half\"?"));
  EXPECT_THROW(load_policy("none", "/no/such/folder"), UsageError);
}

TEST(PolicyFile, ReadsAFileByItsPath) {
  const TempFolder folder;
  const std::string path = folder.path("policy.json");
  write_file(path, R"({"token": {"keep": 0.5}})");
  EXPECT_EQ(load_policy(path, "/nowhere").token.keep, 0.5);
  write_file(path, "{\n \"token\": {\"keep\": \"half\"}}");
  EXPECT_THAT(message([&] { load_policy(path, "/nowhere"); }), StartsWith(path + ":2:/token/keep: expected"));
  EXPECT_THROW(load_policy("/no/such/file.json", kConfigs), Error);
}

TEST(Presets, AreAllThere) {
  EXPECT_THAT(policy_presets(kConfigs),
              ElementsAre("kv-2x", "kv-4x", "none", "paper-average-gpt2", "paper-bert", "paper-gpt2", "paper-gpt2-medium",
                          "progressive-6-4", "progressive-8-4", "static-8", "tokens-half", "tokens-half-early"));
}

TEST(Presets, DescribeThemselvesAndFitEveryModel) {
  for (const std::string& name : policy_presets(kConfigs)) {
    const Policy policy = load_policy(name, kConfigs);
    EXPECT_FALSE(policy.description.empty() || policy.source.empty()) << name;
    EXPECT_EQ(policy.description.find('\n'), std::string::npos) << name;
    EXPECT_EQ(policy.enabled(), name != "none") << name;
    for (const std::uint32_t layers : {1u, 2u, 6u, 12u, 24u}) {
      for (const std::size_t length : {1, 30, 512}) {
        for (const bool causal : {false, true}) {
          const Schedule s = resolve(policy, {layers, 8, 64, 1024, causal}, length);
          EXPECT_GE(s.tokens.back(), 1u);
          if (!policy.token_pruning()) {
            EXPECT_EQ(s.tokens.back(), length) << name;
          } else if (length >= 30 && layers >= 6) {
            EXPECT_LT(s.tokens.back(), length) << name << " layers " << layers;
          }
        }
      }
    }
  }
}

TEST(Presets, KeepWhatTheirNamesSay) {
  const ModelShape small{6, 8, 64, 512, true};
  EXPECT_THAT(resolve(load_policy("tokens-half-early", kConfigs), small, 64).tokens,
              ElementsAre(64, 64, 64, 32, 32, 32));
  EXPECT_THAT(resolve(load_policy("kv-2x", kConfigs), small, 64).tokens, testing::Each(32u));
  EXPECT_THAT(resolve(load_policy("kv-4x", kConfigs), small, 64).tokens, testing::Each(16u));
  EXPECT_EQ(load_policy("progressive-8-4", kConfigs).quantization.stored_key_bits(), 12u);
  EXPECT_EQ(load_policy("progressive-6-4", kConfigs).quantization.stored_key_bits(), 10u);
  EXPECT_EQ(load_policy("static-8", kConfigs).quantization.stored_key_bits(), 8u);
}

/// The table of docs/formats/policy.md, derived from the field lists.
std::string key_table() {
  std::vector<FieldLine> lines;
  list_fields<Policy>("", lines);
  std::string table = "| key | type | default | unit | meaning |\n|---|---|---|---|---|\n";
  for (const FieldLine& line : lines) {
    const std::string value = line.default_value.empty() ? "" : "`" + line.default_value + "`";
    table += fmt::format("| `{}` | {} | {} | {} | {} |\n", line.key, line.type, value, line.unit, line.text);
  }
  return table;
}

TEST(PolicyDocumentation, HoldsTheKeysOfTheFieldLists) {
  const std::string page = read_file(std::string(SPATTEN_SOURCE_DIR) + "/docs/formats/policy.md");
  EXPECT_NE(page.find(key_table()), std::string::npos) << "docs/formats/policy.md should hold:\n" << key_table();
  for (const std::string& name : policy_presets(kConfigs)) {
    EXPECT_NE(page.find("| `" + name + "` | " + load_policy(name, kConfigs).description + " |"), std::string::npos)
        << name;
  }
}

}  // namespace
}  // namespace spatten::algo

// SPDX-License-Identifier: Apache-2.0
// Rows of the result from workloads with known times, and the list of cases on tiny models.
#include "spatten/study/speed_cases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "spatten/base/fields.h"
#include "unit/study/small_shapes.h"

namespace spatten {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class KnownWorkload final : public Workload {
 public:
  KnownWorkload(double seconds, double operations, double bytes, double& now)
      : seconds_(seconds), operations_(operations), bytes_(bytes), now_(now) {}
  void run() override { now_ += seconds_; }
  double operations() const override { return operations_; }
  double read_bytes() const override { return bytes_; }

 private:
  double seconds_, operations_, bytes_;
  double& now_;
};

class SpeedRows : public ::testing::Test {
 protected:
  SpeedCase& add(SpeedRole role, std::size_t threads, double seconds, double operations, double bytes) {
    SpeedCase& c = cases_.emplace_back();
    c.name = std::string(1, static_cast<char>('a' + cases_.size() - 1));
    c.role = role;
    c.threads = threads;
    c.workload = std::make_unique<KnownWorkload>(seconds, operations, bytes, now_);
    return c;
  }
  std::vector<SpeedRow> rows() {
    return measure_speed(cases_, [this] { return now_; }, {.seconds = 0, .min_rounds = 3, .max_rounds = 3, .cancelled = nullptr, .progress = {}});
  }
  double now_ = 0;
  std::vector<SpeedCase> cases_;
};

TEST_F(SpeedRows, AreFractionsOfTheBestRoofOnAsManyThreads) {
  add(SpeedRole::kGemmRoof, 1, 1, 50e9, 0);
  add(SpeedRole::kGemmRoof, 2, 1, 80e9, 0);
  add(SpeedRole::kGemmRoof, 2, 1, 100e9, 0);
  add(SpeedRole::kReadRoof, 2, 2, 0, 40e9);
  add(SpeedRole::kModel, 2, 0.5, 25e9, 5e9);
  add(SpeedRole::kModel, 1, 0.5, 25e9, 5e9);
  const auto r = rows();
  EXPECT_NEAR(*r[1].gemm_roof_ratio, 0.8, 1e-12);
  EXPECT_NEAR(*r[4].gflops, 50, 1e-9);
  EXPECT_NEAR(*r[4].gemm_roof_ratio, 0.5, 1e-12);
  EXPECT_NEAR(*r[4].read_gb_s, 10, 1e-9);
  EXPECT_NEAR(*r[4].bandwidth_roof_ratio, 0.5, 1e-12);
  EXPECT_NEAR(*r[5].gemm_roof_ratio, 1, 1e-12);
  EXPECT_FALSE(r[5].bandwidth_roof_ratio);  // no roof on one thread
  EXPECT_FALSE(r[3].gflops);
  EXPECT_FALSE(r[0].read_gb_s);
}

TEST_F(SpeedRows, SpeedUpIsOverTheBaseline) {
  add(SpeedRole::kModel, 2, 3, 1e9, 0);
  SpeedCase& pruned = add(SpeedRole::kModel, 2, 2, 1e9, 0);
  pruned.policy = "half";
  pruned.precision = kernels::Precision::kInt8;
  pruned.baseline = 0;
  const auto r = rows();
  EXPECT_FALSE(r[0].speedup);
  EXPECT_NEAR(*r[1].speedup, 1.5, 1e-12);
  EXPECT_EQ(r[1].speedup_over->name, "a");
  EXPECT_EQ(r[1].speedup_over->policy, "none");
  EXPECT_EQ(r[1].speedup_over->precision, "fp32");
  EXPECT_EQ(r[1].precision, "int8");
}

TEST_F(SpeedRows, AbsentNumbersAreNullInJson) {
  add(SpeedRole::kReadRoof, 1, 2, 0, 8e9);
  const Json json = write_field(rows()[0]);
  EXPECT_EQ(json.at("read_gb_s"), 4.0);
  EXPECT_TRUE(json.at("gflops").is_null());
  EXPECT_TRUE(json.at("speedup_over").is_null());
  EXPECT_EQ(json.at("precision"), "fp32");
  EXPECT_EQ(json.at("samples"), 3);
}

class SpeedCases : public ::testing::Test {
 protected:
  SpeedCases() {
    setup_.encoder = config_of(small_bert());
    setup_.decoder = config_of(small_gpt2());
    setup_.policy = [](const std::string& name) {
      algo::Policy policy;
      policy.token.keep = name == "kv-4x" ? 0.25 : 0.5;
      return policy;
    };
    setup_.one = &one_;
    setup_.all = &two_;
    setup_.gemm_size = 16;
    setup_.read_bytes = 1024;
  }
  std::set<std::string> names() {
    std::set<std::string> out;
    for (const SpeedCase& c : speed_cases(setup_)) out.insert(c.name);
    return out;
  }

  ThreadPool one_{1}, two_{2};
  SpeedSetup setup_;
};

TEST_F(SpeedCases, RunOnRandomAndOnLoadedModels) {
  const TempFolder bert, gpt2;
  write_checkpoint(bert.path(), small_bert("BertForSequenceClassification"));
  write_checkpoint(gpt2.path(), small_gpt2());
  setup_.folders = {bert.path(), gpt2.path()};
  double now = 0;
  const auto cases = speed_cases(setup_);
  const auto rows = measure_speed(cases, [&] { return now += 1; }, {.seconds = 0, .min_rounds = 2, .max_rounds = 2, .cancelled = nullptr, .progress = {}});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].samples, 2u);
    EXPECT_GT(rows[i].median_seconds, 0);
    EXPECT_TRUE(rows[i].gflops || rows[i].read_gb_s) << rows[i].name;
    if (cases[i].role == SpeedRole::kModel) {
      EXPECT_TRUE(rows[i].gemm_roof_ratio) << rows[i].name;
    }
    EXPECT_EQ(rows[i].speedup.has_value(), cases[i].baseline.has_value());
  }
}

TEST_F(SpeedCases, PrunedRunsExecuteLess) {
  double dense = 0, pruned = 0;
  setup_.only = "bert-base 12";  // the limit of the tiny model
  for (const SpeedCase& c : speed_cases(setup_)) {
    if (c.role != SpeedRole::kModel) continue;
    c.workload->run();
    (c.policy == "none" ? dense : pruned) = c.workload->operations();
  }
  EXPECT_GT(pruned, 0);
  EXPECT_LT(pruned, dense);
}

TEST_F(SpeedCases, PoliciesOfTheCallerAreMeasuredOnEveryModelOnce) {
  setup_.more_policies = {"mine", "tokens-half", "kv-4x"};
  std::multiset<std::string> policies;
  for (const SpeedCase& c : speed_cases(setup_)) {
    if (c.role == SpeedRole::kModel && c.policy != "none") policies.insert(c.name.substr(0, 4) + " " + c.policy);
  }
  EXPECT_EQ(policies.count("bert mine"), policies.count("bert tokens-half"));
  EXPECT_EQ(policies.count("gpt2 mine"), policies.count("gpt2 kv-4x"));
  EXPECT_GT(policies.count("bert mine"), 0u);
  EXPECT_GT(policies.count("gpt2 mine"), 0u);
}

TEST_F(SpeedCases, PrecisionsOfTheCallerAreMeasuredOnEveryModelOverFp32) {
  setup_.more_precisions = {kernels::Precision::kBf16, kernels::Precision::kInt8};
  const auto cases = speed_cases(setup_);
  std::multiset<std::string> seen;
  for (const SpeedCase& c : cases) {
    if (c.precision == kernels::Precision::kFp32) continue;
    seen.insert(enum_name(c.precision));
    ASSERT_TRUE(c.baseline);
    EXPECT_EQ(cases[*c.baseline].name, c.name);
    EXPECT_EQ(cases[*c.baseline].policy, "none");
    EXPECT_EQ(cases[*c.baseline].precision, kernels::Precision::kFp32);
    EXPECT_EQ(cases[*c.baseline].threads, c.threads);
  }
  EXPECT_EQ(seen.count("bf16"), seen.count("int8"));
  EXPECT_EQ(seen.size(), 8u);  // two lengths of the encoder, two contexts of the decoder
}

TEST_F(SpeedCases, OneThreadIsMeasuredOnceWhenThereIsNoOther) {
  setup_.all = &one_;
  for (const SpeedCase& c : speed_cases(setup_)) EXPECT_EQ(c.threads, 1u);
}

TEST_F(SpeedCases, OnlyTheNamedModelsAreMade) {
  setup_.only = "gpt2";
  EXPECT_THAT(names(), ElementsAre(HasSubstr("gpt2-small context"), "oneDNN 16^3", "oneDNN 16^3, packed", "read memory"));
  setup_.only = "no such model";
  EXPECT_THAT(names(), ElementsAre("oneDNN 16^3", "oneDNN 16^3, packed", "read memory"));
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Random checkpoints, in memory and as files, and how a folder loads.
#include "spatten/study/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spatten/model/checkpoint.h"
#include "spatten/study/random_checkpoint.h"
#include "support/error_message.h"
#include "unit/study/small_shapes.h"

namespace spatten {
namespace {

using ::testing::HasSubstr;

std::vector<float> values(const Checkpoint& checkpoint, const std::string& name) {
  const auto [rows, cols] = checkpoint.shape(name);
  std::vector<float> out(rows * cols);
  checkpoint.read(name, out.data());
  return out;
}

class RandomFolder : public ::testing::Test {
 protected:
  std::string write(const Json& config, const std::string& name = "model") const {
    const std::string shape = folder_.write(name + "-shape.json", config.dump());
    write_random_checkpoint(folder_.path(name), shape, 3);
    return folder_.path(name);
  }
  TempFolder folder_;
};

TEST_F(RandomFolder, HoldsWhatTheCheckpointInMemoryHolds) {
  for (const auto& [config, name] : {std::pair(small_bert("BertForSequenceClassification"), "bert"), {small_gpt2(), "gpt2"}}) {
    const Checkpoint stored = Checkpoint::open(write(config, name), {.check = ValueCheck::kNormal, .limits = {}});
    const Checkpoint made = Checkpoint::random(stored.config(), 3);
    EXPECT_EQ(stored.parameters(), made.parameters());
    const WeightsTable table(stored.config());
    for (const WeightSpec& spec : table.specs()) {
      ASSERT_TRUE(stored.has(spec.name));
      EXPECT_EQ(values(stored, spec.name), values(made, spec.name)) << spec.name;
    }
  }
}

TEST_F(RandomFolder, IsNotWrittenOverAModel) {
  const std::string folder = write(small_bert("BertForSequenceClassification"));
  EXPECT_THAT(error_message([&] { write_random_checkpoint(folder, folder_.path("model-shape.json"), 3); }),
              HasSubstr("config.json: expected no such file yet"));
}

TEST_F(RandomFolder, LoadsInTheTimeThatTheClockTells) {
  double now = 0;
  for (const auto& [config, name] : {std::pair(small_bert(), "bert"), {small_gpt2(), "gpt2"}}) {
    const std::string folder = write(config, name);
    ThreadPool threads(2);
    const LoadReport report = measure_load({.folder = folder, .loads = 3}, threads, [&] { return now += 2; }, [] { return std::optional<std::uint64_t>(1 << 26); });
    EXPECT_EQ(report.first_seconds, 2);
    EXPECT_EQ(report.median_seconds, 2);
    EXPECT_EQ(report.weight_bytes, Checkpoint::open(folder).weight_bytes());
    EXPECT_GT(report.file_bytes, report.weight_bytes);
    EXPECT_EQ(report.kv_bytes, config["model_type"] == "bert" ? 0u : 2 * 2 * 12 * 32 * 4u);
    const double allowed = 1.15 * static_cast<double>(report.weight_bytes) + static_cast<double>(report.kv_bytes) + (1 << 26);
    EXPECT_NEAR(static_cast<double>(report.allowed_bytes), allowed, 1);
    EXPECT_NEAR(*report.memory_ratio, (1 << 26) / allowed, 1e-6);
  }
}

TEST_F(RandomFolder, LoadsAtThePrecisionThatIsAskedFor) {
  const std::string folder = write(small_gpt2());
  ThreadPool threads(1);
  const LoadReport report = measure_load({.folder = folder, .precision = kernels::Precision::kInt8, .loads = 1}, threads, [] { return 0.0; },
                                         [] { return std::nullopt; });
  EXPECT_EQ(report.precision, "int8");
  EXPECT_EQ(report.weight_bytes, Checkpoint::open(folder, {.precision = kernels::Precision::kInt8, .limits = {}}).weight_bytes());
  EXPECT_LT(report.weight_bytes, Checkpoint::open(folder).weight_bytes() / 2);
}

TEST_F(RandomFolder, NoMemoryRatioWhereThePeakIsUnknown) {
  ThreadPool threads(1);
  const LoadReport report = measure_load({.folder = write(small_bert("BertForSequenceClassification")), .loads = 1}, threads, [] { return 0.0; }, [] { return std::nullopt; });
  EXPECT_FALSE(report.memory_ratio);
  EXPECT_EQ(report.read_gb_s, 0);  // a clock that stands
}

TEST(RandomCheckpoint, GivesTheSameValuesInStripsOfAnyHeight) {
  const ModelConfig config = config_of(small_gpt2());
  const Checkpoint checkpoint = Checkpoint::random(config, 7);
  for (const char* name : {"wte.weight", "h.1.mlp.c_fc.weight", "ln_f.bias"}) {
    const std::vector<float> whole = values(checkpoint, name);
    for (const std::size_t rows : {1u, 3u, 100u}) {
      std::vector<float> strips;
      checkpoint.read_strips(name, rows, [&](std::size_t, ConstMatrix m) { strips.insert(strips.end(), m.data, m.data + m.rows * m.cols); });
      EXPECT_EQ(strips, whole) << name << ' ' << rows;
    }
  }
  EXPECT_EQ(checkpoint.file_bytes(), 0u);
}

TEST(RandomCheckpoint, SeedsAndTensorsDiffer) {
  const ModelConfig config = config_of(small_gpt2());
  const Checkpoint a = Checkpoint::random(config, 7), b = Checkpoint::random(config, 8);
  EXPECT_NE(values(a, "wte.weight"), values(b, "wte.weight"));
  EXPECT_NE(values(a, "h.0.mlp.c_fc.weight"), values(a, "h.1.mlp.c_fc.weight"));
}

TEST(RandomCheckpoint, ValuesHaveTheSizeOfTrainedOnes) {
  const ModelConfig config = config_of(small_gpt2());
  const Checkpoint checkpoint = Checkpoint::random(config, 7);
  double sum = 0;
  for (const float v : values(checkpoint, "ln_f.weight")) sum += double{v};
  EXPECT_NEAR(sum / 32, 1, 0.1);
  sum = 0;
  const auto matrix = values(checkpoint, "h.0.mlp.c_fc.weight");
  for (const float v : matrix) sum += double{v} * double{v};
  EXPECT_NEAR(sum / static_cast<double>(matrix.size()), 1.0 / 32, 0.005);  // one over the inputs
}

}  // namespace
}  // namespace spatten

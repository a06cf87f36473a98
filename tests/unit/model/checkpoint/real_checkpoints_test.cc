// SPDX-License-Identifier: Apache-2.0
// Checkpoints from the hub, where the folder with them exists.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "spatten/model/checkpoint.h"
#include "support/checkpoint_writer.h"
#include "support/error_message.h"
#include "support/shared_data.h"
#include "support/temp_folder.h"

namespace spatten {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// The folder of a model, or "" with a line that says why the test does not run.
std::string real_model(const std::string& name) {
  const std::string folder = shared_data("models/" + name);
  return is_directory(folder) ? folder : "";
}
#define SKIP_WITHOUT(folder) \
  if (folder.empty()) GTEST_SKIP() << "no shared test data: set SPATTEN_SHARED_DATA to a folder that holds models/"

TEST(RealCheckpoint, BertTinySst2HasItsPublishedShapeAndValues) {
  const std::string folder = real_model("bert_tiny_sst2_hybrid");
  SKIP_WITHOUT(folder);
  const Checkpoint checkpoint = Checkpoint::open(folder);
  const ModelConfig& c = checkpoint.config();
  EXPECT_EQ(checkpoint.task(), Task::kSequenceClassification);
  EXPECT_THAT(c.labels, ElementsAre("negative", "positive"));
  EXPECT_EQ(c.layers, 2u);
  EXPECT_EQ(c.head_dim, 64u);
  EXPECT_EQ(checkpoint.parameters(), 4'386'178u);  // 17,544,712 bytes of data in F32
  EXPECT_EQ(checkpoint.shape("embeddings.word_embeddings.weight"), std::pair(std::size_t{30522}, std::size_t{128}));

  // The last tensor of the file, read by hand.
  const std::string bytes = read_file(join_path(folder, "model.safetensors"));
  std::vector<float> expected(256), found(256);
  std::memcpy(expected.data(), bytes.data() + bytes.size() - 1024, 1024);
  checkpoint.read("classifier.weight", found.data());
  EXPECT_EQ(found, expected);
}

TEST(RealCheckpoint, EveryValueOfBertTinyIsFinite) {
  const std::string folder = real_model("bert_tiny_sst2_hybrid");
  SKIP_WITHOUT(folder);
  const Checkpoint checkpoint = Checkpoint::open(folder);
  const WeightsTable table(checkpoint.config());
  for (const WeightSpec& spec : table.specs()) {
    checkpoint.read_strips(spec.name, 512, [](std::size_t, ConstMatrix rows) { EXPECT_GT(rows.rows, 0u); });
  }
}

TEST(RealCheckpoint, AnEncoderWithoutEmbeddingsIsRefusedByTheirName) {
  const std::string folder = real_model("bert_tiny_sst2_encoder");
  SKIP_WITHOUT(folder);
  EXPECT_THAT(error_message([&] { Checkpoint::open(folder); }), HasSubstr("expected model.safetensors or model.safetensors.index.json, found neither"));
  const TempFolder copy;
  std::filesystem::copy_file(join_path(folder, "encoder_only.safetensors"), copy.path("model.safetensors"));
  std::filesystem::copy_file(join_path(folder, "config.json"), copy.path("config.json"));
  EXPECT_THAT(error_message([&] { Checkpoint::open(copy.path()); }),
              HasSubstr("model.safetensors:embeddings.word_embeddings.weight: expected this tensor (vocab_size x hidden_size), found none"));
}

TEST(RealCheckpoint, AnotherFamilyIsRefusedByItsArchitectureAndStillAValidFile) {
  const std::string folder = real_model("stories260K");
  SKIP_WITHOUT(folder);
  EXPECT_THAT(error_message([&] { Checkpoint::open(folder); }), HasSubstr("/architectures/0: expected one of BertModel"));
  const SafetensorsFile file = SafetensorsFile::open(join_path(folder, "model.safetensors"));
  ASSERT_NE(file.find("model.norm.weight"), nullptr);
  EXPECT_THAT(file.find("model.norm.weight")->shape, ElementsAre(64));
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Sharded folders whose index lies, and links that lead out of the folder (robustness A.10).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "spatten/model/checkpoint.h"
#include "spatten/model/model_files.h"
#include "support/checkpoint_writer.h"
#include "support/error_message.h"
#include "support/temp_folder.h"

namespace spatten {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

constexpr const char* kIndex = "model.safetensors.index.json";
const std::string kFirst = shard_name(0, 2), kSecond = shard_name(1, 2);

/// A model in two shards, its index to be edited.
class Shards : public ::testing::Test {
 protected:
  Shards() {
    write_checkpoint(model_, tiny_gpt2_config(), {.shards = 2});
    index_ = Json::parse(read_file(join_path(model_, kIndex)));
  }
  std::string refusal() {
    put_file(join_path(model_, kIndex), index_.dump());
    return error_message([&] { Checkpoint::open(model_); });
  }
  std::string path(const std::string& name) const { return join_path(model_, name); }
  Json& map() { return index_["weight_map"]; }

  TempFolder folder_;
  std::string model_ = fs::path(folder_.write("model/.keep", "")).parent_path().string();
  Json index_;
};

TEST_F(Shards, AHonestIndexIsAcceptedWithAndWithoutTotalSize) {
  EXPECT_EQ(refusal(), "");
  index_.erase("metadata");
  EXPECT_EQ(refusal(), "");
}

TEST_F(Shards, RobustnessA10AMissingShardIsNamed) {
  fs::remove(path(kSecond));
  EXPECT_EQ(refusal(), path(kSecond) + ": cannot open: No such file or directory");
}

TEST_F(Shards, RobustnessA10PathsInTheIndexAreRefused) {
  const std::vector<std::string> paths = {"../" + kFirst, "/etc/x.safetensors", "./" + kFirst, "sub/" + kFirst,
                                          std::string("a\0.safetensors", 14)};
  for (const std::string& name : paths) {
    map()["transformer.wte.weight"] = name;
    EXPECT_THAT(refusal(), HasSubstr("/weight_map/transformer.wte.weight: expected the name of a file in this folder, without a path"));
  }
  for (const char* name : {"..", "", "config.json", "pytorch_model.bin"}) {
    map()["transformer.wte.weight"] = name;
    EXPECT_THAT(refusal(), HasSubstr("/weight_map/transformer.wte.weight: expected the name of a .safetensors file"));
  }
  map()["transformer.wte.weight"] = 1;
  EXPECT_THAT(refusal(), HasSubstr("/weight_map/transformer.wte.weight: expected a string, found 1"));
}

TEST_F(Shards, RobustnessA10ALinkOutOfTheFolderIsRefusedAndNotOpened) {
  const std::string outside = folder_.path("outside.safetensors");
  fs::rename(path(kSecond), outside);
  fs::create_symlink("../outside.safetensors", path(kSecond));
  const int watch = ::inotify_init1(IN_NONBLOCK);
  ASSERT_GE(watch, 0);
  ASSERT_GE(::inotify_add_watch(watch, outside.c_str(), IN_OPEN), 0);
  EXPECT_EQ(refusal(), path(kSecond) + ": expected a file in the model folder, found a link that leads out of it");
  char event[4096];
  EXPECT_EQ(::read(watch, event, sizeof event), -1);  // no one has opened it
  read_file(outside);
  EXPECT_GT(::read(watch, event, sizeof event), 0);  // and one would have noticed
  ::close(watch);
}

TEST_F(Shards, ALinkWithinTheFolderIsFine) {
  fs::rename(path(kSecond), path("blob"));
  fs::create_symlink("blob", path(kSecond));
  EXPECT_EQ(refusal(), "");
}

TEST_F(Shards, RobustnessA10ATensorInTwoShardsIsNamed) {
  std::vector<RawTensor> one = {{"transformer.wte.weight", DType::kF32, {1}, "1234"}};
  const SafetensorsFile second = SafetensorsFile::open(path(kSecond));
  for (const TensorInfo& t : second.tensors()) {
    std::string bytes(t.bytes, '\0');
    second.read_bytes(t, 0, bytes.data(), bytes.size());
    one.push_back({t.name, t.dtype, t.shape, bytes});
  }
  put_file(path(kSecond), safetensors_file(one));
  EXPECT_EQ(refusal(), path(kSecond) + ":transformer.wte.weight: expected in \"" + kFirst + "\" as in model.safetensors.index.json, found in this shard");
}

TEST_F(Shards, RobustnessA10TheMapMustMatchTheFiles) {
  const Json honest = index_;
  map().erase("transformer.wte.weight");
  EXPECT_EQ(refusal(), path(kFirst) + ":transformer.wte.weight: expected only tensors of weight_map in model.safetensors.index.json, found this one, too");
  index_ = honest;
  map()["ghost"] = kFirst;
  EXPECT_THAT(refusal(), HasSubstr("/weight_map/ghost: expected this tensor in \"" + kFirst + "\", found none"));
  index_ = honest;
  index_["weight_map"] = Json::object();
  EXPECT_THAT(refusal(), HasSubstr("/weight_map: expected 1 to 512 shards, found 0"));
  index_.erase("weight_map");
  EXPECT_THAT(refusal(), HasSubstr("expected the key \"weight_map\", found none"));
}

TEST_F(Shards, RobustnessA10ALieAboutTheTotalSizeIsRefused) {
  const std::uint64_t size = index_["metadata"]["total_size"];
  index_["metadata"]["total_size"] = size + 1;
  EXPECT_THAT(refusal(), HasSubstr(fmt::format("/metadata/total_size: expected {}, the bytes of all tensors, found {}", size, size + 1)));
  index_["metadata"]["total_size"] = static_cast<double>(size);
  EXPECT_EQ(refusal(), "");  // some writers store it as a float
}

TEST_F(Shards, RobustnessA10TooManyShardsAreRefusedBeforeOneIsOpened) {
  index_["weight_map"] = Json::object();
  for (int i = 0; i < 600; ++i) map()[fmt::format("t{}", i)] = fmt::format("{}.safetensors", i);
  EXPECT_THAT(refusal(), HasSubstr("/weight_map: expected 1 to 512 shards, found 600"));
}

TEST(LinksOutOfTheFolder, AreRefusedForTheConfigurationAndASingleFile) {
  for (const std::string name : {"config.json", "model.safetensors"}) {
    const TempFolder folder;
    const std::string model = fs::path(folder.write("model/.keep", "")).parent_path().string();
    write_checkpoint(model, tiny_gpt2_config());
    fs::rename(join_path(model, name), folder.path("outside"));
    fs::create_symlink(folder.path("outside"), join_path(model, name));
    EXPECT_EQ(error_message([&] { Checkpoint::open(model); }),
              join_path(model, name) + ": expected a file in the model folder, found a link that leads out of it");
  }
}

TEST(LinksOutOfTheFolder, OfAHuggingFaceCacheLeadToItsBlobsOnly) {
  const TempFolder folder;
  const auto snapshot_of = [&](const std::string& repository) {
    const std::string snapshot = fs::path(folder.write(repository + "/snapshots/abc/.keep", "")).parent_path().string();
    folder.write(repository + "/blobs/.keep", "");
    write_checkpoint(snapshot, tiny_gpt2_config());
    fs::rename(join_path(snapshot, "model.safetensors"), folder.path(repository + "/blobs/0123"));
    fs::create_symlink("../../blobs/0123", join_path(snapshot, "model.safetensors"));
    return snapshot;
  };
  const std::string cache = snapshot_of("models--org--name");
  EXPECT_EQ(error_message([&] { Checkpoint::open(cache); }), "");
  EXPECT_EQ(error_message([&] { Checkpoint::open(cache + "/"); }), "");
  const std::string other = snapshot_of("other");
  EXPECT_THAT(error_message([&] { Checkpoint::open(other); }), HasSubstr("found a link that leads out of it"));
  fs::remove(join_path(cache, "model.safetensors"));
  fs::create_symlink(folder.path("other/blobs/0123"), join_path(cache, "model.safetensors"));
  EXPECT_THAT(error_message([&] { Checkpoint::open(cache); }), HasSubstr("found a link that leads out of it"));
}

TEST(LinksOutOfTheFolder, AModelFolderThatIsItselfALinkIsFine) {
  const TempFolder folder;
  const std::string model = fs::path(folder.write("model/.keep", "")).parent_path().string();
  write_checkpoint(model, tiny_gpt2_config());
  fs::create_directory_symlink("model", folder.path("link"));
  EXPECT_EQ(error_message([&] { Checkpoint::open(folder.path("link")); }), "");
}

}  // namespace
}  // namespace spatten

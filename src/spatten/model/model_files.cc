// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/model_files.h"

#include <filesystem>
#include <set>
#include <unordered_map>

#include "spatten/base/file.h"
#include "spatten/base/json.h"

namespace spatten {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr std::size_t kMaxShards = 512;  // each is an open file

bool is_below(const fs::path& path, const fs::path& root) {
  const auto [at_root, at_path] = std::mismatch(root.begin(), root.end(), path.begin(), path.end());
  return at_root == root.end() && at_path != path.end();
}

/// The folder into which the links of a Hugging Face cache lead; empty when `root` is not a snapshot of one.
fs::path blobs_of_snapshot(const fs::path& root) {
  const fs::path snapshots = root.parent_path(), repository = snapshots.parent_path();
  const bool cache = snapshots.filename() == "snapshots" && repository.filename().string().starts_with("models--");
  return cache ? repository / "blobs" : fs::path();
}

struct IndexEntry {
  JsonNode node;
  std::string shard;
};

/// "weight_map" of the index: tensor -> shard.
class Index {
 public:
  explicit Index(JsonFile file) : file_(std::move(file)) {
    const JsonNode map = file_.root().at("weight_map");
    if (!map.is_object()) map.fail_expected("an object of tensor: shard");
    for (const JsonNode& node : map.items()) {
      check_name(node);
      shards_.insert(node.string());
      entries_.emplace(node.key(), IndexEntry{node, node.string()});
    }
    if (shards_.empty() || shards_.size() > kMaxShards) {
      map.fail(fmt::format("expected 1 to {} shards, found {}", kMaxShards, shards_.size()));
    }
  }

  const std::set<std::string>& shards() const { return shards_; }

  /// Each tensor of the shard must be mapped to it.
  void check_shard(const std::string& shard, const SafetensorsFile& file) {
    for (const TensorInfo& tensor : file.tensors()) {
      const auto entry = entries_.find(tensor.name);
      const auto fail = [&](const std::string& message) { throw Error(file.path(), printable(tensor.name, 120), message); };
      if (entry == entries_.end()) fail(fmt::format("expected only tensors of weight_map in {}, found this one, too", kIndex));
      if (entry->second.shard != shard) {
        fail(fmt::format("expected in \"{}\" as in {}, found in this shard", printable(entry->second.shard), kIndex));
      }
      bytes_ += tensor.bytes;  // parts of files that exist: no overflow
    }
    found_ += file.tensors().size();
  }

  /// After all shards: nothing is missing, the sum is right.
  void check_complete(const std::vector<SafetensorsFile>& files) const {
    if (found_ != entries_.size()) fail_missing(files);
    const auto metadata = file_.root().find("metadata");
    const auto total = metadata ? metadata->find("total_size") : std::nullopt;
    if (total && static_cast<std::uint64_t>(total->integer(0, INT64_MAX)) != bytes_) {
      total->fail_expected(fmt::format("{}, the bytes of all tensors", bytes_));
    }
  }

 private:
  static void check_name(const JsonNode& node) {
    if (!node.string().ends_with(".safetensors")) node.fail_expected("the name of a .safetensors file");
    if (node.string().find_first_of(std::string_view("/\0", 2)) != std::string::npos) {
      node.fail_expected("the name of a file in this folder, without a path");
    }
  }
  void fail_missing(const std::vector<SafetensorsFile>& files) const {
    for (const JsonNode& node : file_.root().at("weight_map").items()) {
      for (const SafetensorsFile& file : files) {
        if (fs::path(file.path()).filename() == node.string() && file.find(node.key()) == nullptr) {
          node.fail(fmt::format("expected this tensor in \"{}\", found none", node.string()));
        }
      }
    }
  }

  JsonFile file_;
  std::unordered_map<std::string, IndexEntry> entries_;
  std::set<std::string> shards_;
  std::uint64_t bytes_ = 0;
  std::size_t found_ = 0;
};

std::vector<SafetensorsFile> open_shards(const std::string& folder, const SafetensorsLimits& limits) {
  const JsonLimits json_limits{.bytes = limits.header_bytes, .depth = 8, .values = limits.tensors + 64};
  Index index(JsonFile::load(path_inside(folder, kIndex), json_limits));
  std::vector<SafetensorsFile> files;
  for (const std::string& shard : index.shards()) {
    files.push_back(SafetensorsFile::open(path_inside(folder, shard), limits));
    index.check_shard(shard, files.back());
  }
  index.check_complete(files);
  return files;
}

}  // namespace

std::string path_inside(const std::string& folder, const std::string& name) {
  const std::string path = join_path(folder, name);
  std::error_code error;
  const fs::path root = fs::canonical(folder, error);
  const fs::path target = fs::canonical(path, error);
  if (error) return path;  // not there: opening it says so
  const fs::path blobs = blobs_of_snapshot(root);
  if (!is_below(target, root) && (blobs.empty() || !is_below(target, blobs))) {
    throw Error(path, "", "expected a file in the model folder, found a link that leads out of it");
  }
  return path;
}

std::vector<SafetensorsFile> open_weight_files(const std::string& folder, const SafetensorsLimits& limits) {
  const auto present = [&](const char* name) { return is_file(join_path(folder, name)); };
  if (present(kIndex) && !present(kSingle)) return open_shards(folder, limits);
  if (!present(kSingle)) {
    throw Error(folder, "", fmt::format("expected {} or {}, found neither{}", kSingle, kIndex,
                                        present("pytorch_model.bin") ? " (pytorch_model.bin is there, but is not read)" : ""));
  }
  std::vector<SafetensorsFile> files;
  files.push_back(SafetensorsFile::open(path_inside(folder, kSingle), limits));
  return files;
}

}  // namespace spatten

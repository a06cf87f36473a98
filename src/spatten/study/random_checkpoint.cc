// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/random_checkpoint.h"

#include <bit>
#include <filesystem>

#include "spatten/base/json_tree.h"
#include "spatten/model/checkpoint.h"

namespace spatten {
namespace {

static_assert(std::endian::native == std::endian::little);  // the format's order
constexpr std::size_t kStripRows = 256;

void make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw Error(folder, "", fmt::format("cannot make this folder: {}", error.message()));
}

/// The tensors that the checkpoint has, in the order of the file.
std::vector<WeightSpec> tensors_of(const Checkpoint& checkpoint) {
  std::vector<WeightSpec> specs = WeightsTable(checkpoint.config()).specs();
  std::erase_if(specs, [&](const WeightSpec& spec) { return !checkpoint.has(spec.name); });
  return specs;
}

std::string header_of(const Checkpoint& checkpoint, const std::vector<WeightSpec>& tensors) {
  Json header = {{"__metadata__", {{"format", "pt"}}}};
  std::uint64_t at = 0;
  for (const WeightSpec& tensor : tensors) {
    const auto [rows, cols] = checkpoint.shape(tensor.name);
    const std::uint64_t end = at + std::uint64_t{rows} * cols * sizeof(float);
    header[tensor.name] = {{"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace

void write_random_checkpoint(const std::string& folder, const std::string& config_path, std::uint64_t seed) {
  ModelConfig config = load_model_config(config_path);
  if (!config.task) config.task = config.family == Family::kGpt2 ? Task::kCausalLm : Task::kEncoder;
  const Checkpoint checkpoint = Checkpoint::random(config, seed);
  const std::vector<WeightSpec> tensors = tensors_of(checkpoint);
  make_folder(folder);
  const std::string config_file = join_path(folder, "config.json"), weights_file = join_path(folder, "model.safetensors");
  for (const std::string& file : {config_file, weights_file}) {
    if (is_file(file)) throw Error(file, "", "expected no such file yet, found one");
  }
  OutputFile out(weights_file);
  const std::string header = header_of(checkpoint, tensors);
  const std::uint64_t header_bytes = header.size();
  out.write(&header_bytes, sizeof header_bytes);
  out.write(header);
  for (const WeightSpec& tensor : tensors) {
    checkpoint.read_strips(tensor.name, kStripRows, [&](std::size_t, ConstMatrix rows) {
      out.write(rows.data, rows.rows * rows.cols * sizeof(float));
    });
  }
  out.commit();
  write_file(config_file, read_file(config_path));
}

}  // namespace spatten

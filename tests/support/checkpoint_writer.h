// SPDX-License-Identifier: Apache-2.0
// Writes Hugging Face folders with random weights, for tests: the tensors come from the family's WeightsTable, so that a
// folder is complete by construction; options give the spellings and types that real files have.
//
//   TempFolder folder;
//   Json config = tiny_bert_config("BertForQuestionAnswering");
//   config["num_hidden_layers"] = 3;
//   const WrittenWeights weights = write_checkpoint(folder.path(), config, {.dtype = DType::kF16, .seed = 7});
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "spatten/base/file.h"
#include "spatten/base/json_tree.h"
#include "spatten/base/random.h"
#include "spatten/model/weights_table.h"
#include "support/temp_folder.h"

namespace spatten {

// ---------------------------------------------------------------- safetensors

struct RawTensor {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<std::uint64_t> shape;
  std::string bytes;
};

/// A file from its two parts, right or wrong.
inline std::string safetensors_file(const std::string& header, const std::string& data = "") {
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(header.size() >> (8 * i) & 0xFF);
  return out + header + data;
}

inline std::string safetensors_file(const std::vector<RawTensor>& tensors) {
  Json header = {{"__metadata__", {{"format", "pt"}}}};
  std::string data;
  for (const RawTensor& t : tensors) {
    header[t.name] = {{"dtype", dtype_name(t.dtype)}, {"shape", t.shape}, {"data_offsets", {data.size(), data.size() + t.bytes.size()}}};
    data += t.bytes;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return safetensors_file(text, data);
}

/// fp32 to half, to nearest even; |value| below 65504.
inline std::uint16_t f16_bits(float value) {
  const double magnitude = std::abs(static_cast<double>(value));
  const int exponent = magnitude == 0 ? -14 : std::max(std::ilogb(magnitude), -14);
  const auto mantissa = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));  // 0 .. 2048, 1024: hidden bit
  const int bits = mantissa < 1024 ? mantissa : (exponent + 15) * 1024 + mantissa - 1024;
  return static_cast<std::uint16_t>(bits | (std::signbit(value) ? 0x8000 : 0));
}

/// fp32 to bfloat16, to nearest even; finite values.
inline std::uint16_t bf16_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

inline std::string encode(DType dtype, const std::vector<float>& values) {
  std::string out;
  for (const float v : values) {
    const std::uint32_t bits = dtype == DType::kF16 ? f16_bits(v) : dtype == DType::kBf16 ? bf16_bits(v) : std::bit_cast<std::uint32_t>(v);
    out.append(reinterpret_cast<const char*>(&bits), dtype == DType::kF32 ? 4 : 2);
  }
  return out;
}

// ---------------------------------------------------------------- configurations

inline Json tiny_bert_config(const std::string& architecture = "BertForSequenceClassification") {
  return {{"architectures", Json::array({architecture})}, {"model_type", "bert"},     {"hidden_size", 16},
          {"num_hidden_layers", 2},          {"num_attention_heads", 1}, {"intermediate_size", 24},
          {"vocab_size", 40},                {"max_position_embeddings", 12}, {"type_vocab_size", 2},
          {"hidden_act", "gelu"},            {"layer_norm_eps", 1e-12},  {"pad_token_id", 0}};
}

inline Json tiny_gpt2_config() {
  return {{"architectures", Json::array({"GPT2LMHeadModel"})}, {"model_type", "gpt2"}, {"n_embd", 16},        {"n_layer", 2},
          {"n_head", 1},                          {"n_inner", nullptr},   {"vocab_size", 40},    {"n_positions", 12},
          {"activation_function", "gelu_new"},    {"layer_norm_epsilon", 1e-5}, {"bos_token_id", 39}, {"eos_token_id", 39}};
}

// ---------------------------------------------------------------- folders

struct WriterOptions {
  DType dtype = DType::kF32;
  std::uint64_t seed = 1;
  bool base_prefix = true;        // "bert.", "transformer."
  bool old_norm_names = false;    // gamma, beta
  bool conv1d_as_linear = false;  // GPT-2's matrices transposed
  bool optional_tensors = true;   // the pooler where no head needs it
  std::size_t shards = 1;         // more: with an index
};

struct WrittenWeight {
  std::vector<std::uint64_t> shape;
  std::vector<float> values;  // as stored, rounded to the type
};
using WrittenWeights = std::map<std::string, WrittenWeight>;  // by canonical name

/// The name under which the options store a line of the table; what has no such spelling keeps its name.
inline std::string stored_name(const WeightSpec& spec, const WriterOptions& options) {
  const auto is_old = [](const std::string& n) { return n.ends_with(".gamma") || n.ends_with(".beta"); };
  const auto is_prefixed = [](const std::string& n) { return n.starts_with("bert.") || n.starts_with("transformer."); };
  const bool old = options.old_norm_names && std::any_of(spec.aliases.begin(), spec.aliases.end(), is_old);
  std::string best = old ? "" : spec.name;
  for (const std::string& alias : spec.aliases) {
    if (is_old(alias) == old && (best.empty() || is_prefixed(alias) == options.base_prefix)) best = alias;
  }
  return best;
}

/// Values of trained size: normalisation around one, small biases, matrices that keep the variance.
inline std::vector<float> random_values(const WeightSpec& spec, Random& random) {
  std::size_t count = 1;
  for (const std::uint64_t d : spec.shape) count *= d;
  const bool norm = spec.shape.size() == 1 && spec.name.ends_with("weight");
  const double inputs = static_cast<double>(spec.orientation == Orientation::kConv1d ? spec.shape[0] : spec.shape.back());
  const double scale = spec.shape.size() == 1 ? 0.1 : spec.orientation == Orientation::kNone ? 0.5 : 1 / std::sqrt(inputs);
  std::vector<float> out(count);
  for (float& v : out) v = static_cast<float>((norm ? 1 : 0) + scale * random.normal());
  return out;
}

inline std::vector<RawTensor> random_tensors(const ModelConfig& config, const WriterOptions& options, WrittenWeights& written) {
  std::vector<RawTensor> tensors;
  Random random(options.seed);
  const WeightsTable table(config);
  for (const WeightSpec& spec : table.specs()) {
    if (spec.presence == Presence::kOptional && !options.optional_tensors) continue;
    RawTensor t{stored_name(spec, options), options.dtype, spec.shape, encode(options.dtype, random_values(spec, random))};
    if (options.conv1d_as_linear && spec.orientation == Orientation::kConv1d) std::swap(t.shape[0], t.shape[1]);
    std::vector<float> values(t.bytes.size() / (dtype_bits(options.dtype) / 8));
    convert_to_f32(options.dtype, t.bytes.data(), values.size(), values.data());
    written[spec.name] = {t.shape, std::move(values)};
    tensors.push_back(std::move(t));
  }
  return tensors;
}

inline std::string shard_name(std::size_t shard, std::size_t shards) {
  return fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, shards);
}

inline void write_shards(const std::string& folder, const std::vector<RawTensor>& tensors, std::size_t shards) {
  Json map = Json::object();
  std::vector<std::vector<RawTensor>> parts(shards);
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const std::size_t shard = i * shards / tensors.size();
    parts[shard].push_back(tensors[i]);
    map[tensors[i].name] = shard_name(shard, shards);
    bytes += tensors[i].bytes.size();
  }
  for (std::size_t s = 0; s < shards; ++s) put_file(join_path(folder, shard_name(s, shards)), safetensors_file(parts[s]));
  const Json index = {{"metadata", {{"total_size", bytes}}}, {"weight_map", map}};
  put_file(join_path(folder, "model.safetensors.index.json"), index.dump(2));
}

/// Writes config.json and the weights; returns what a reader must find. No tokenizer files.
inline WrittenWeights write_checkpoint(const std::string& folder, const Json& config, const WriterOptions& options = {}) {
  const std::string text = config.dump(2);
  put_file(join_path(folder, "config.json"), text);
  ModelConfig model = read_model_config(JsonFile::parse(text, "config.json"));
  if (!model.task) model.task = model.family == Family::kGpt2 ? Task::kCausalLm : Task::kEncoder;
  WrittenWeights written;
  const std::vector<RawTensor> tensors = random_tensors(model, options, written);
  if (options.shards > 1) {
    write_shards(folder, tensors, options.shards);
  } else {
    put_file(join_path(folder, "model.safetensors"), safetensors_file(tensors));
  }
  return written;
}

}  // namespace spatten

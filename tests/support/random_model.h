// SPDX-License-Identifier: Apache-2.0
// Models with random weights, random inputs for them, and policies by the words of the command line.
#pragma once

#include <string>
#include <vector>

#include "spatten/algo/policy_file.h"
#include "spatten/model/bert.h"
#include "spatten/model/checkpoint.h"
#include "spatten/model/gpt2.h"
#include "support/checkpoint_writer.h"

namespace spatten {

struct RandomShape {
  std::uint32_t layers = 2, heads = 2, head_dim = 32;
};

inline std::string to_string(const RandomShape& s) {
  return fmt::format("{} layers, {} heads of {}", s.layers, s.heads, s.head_dim);
}

constexpr std::uint32_t kRandomVocab = 60, kRandomPositions = 96;

inline Json random_bert_config(const RandomShape& s, const std::string& architecture = "BertModel") {
  Json config = tiny_bert_config(architecture);
  config["hidden_size"] = s.heads * s.head_dim;
  config["num_hidden_layers"] = s.layers;
  config["num_attention_heads"] = s.heads;
  config["intermediate_size"] = 2 * s.heads * s.head_dim + 8;
  config["vocab_size"] = kRandomVocab;
  config["max_position_embeddings"] = kRandomPositions;
  return config;
}

inline Json random_gpt2_config(const RandomShape& s) {
  Json config = tiny_gpt2_config();
  config["n_embd"] = s.heads * s.head_dim;
  config["n_layer"] = s.layers;
  config["n_head"] = s.heads;
  config["vocab_size"] = kRandomVocab;
  config["n_positions"] = kRandomPositions;
  return config;
}

using kernels::Precision;
constexpr Precision kPrecisions[] = {Precision::kFp32, Precision::kBf16, Precision::kInt8};

inline Checkpoint random_checkpoint(const TempFolder& folder, const Json& config, std::uint64_t seed, Precision precision) {
  write_checkpoint(folder.path(), config, {.seed = seed});
  return Checkpoint::open(folder.path(), {.precision = precision, .limits = {}});
}

/// A folder, its checkpoint and the model that the runtime made of it.
template <class Family>
struct RandomModel {
  TempFolder folder;
  Checkpoint checkpoint;
  Family model;

  RandomModel(const Json& config, std::uint64_t seed, ThreadPool& threads, Precision precision = Precision::kFp32)
      : checkpoint(random_checkpoint(folder, config, seed, precision)), model(checkpoint, threads) {}
};

inline std::vector<std::int32_t> random_ids(Random& random, std::size_t count) {
  std::vector<std::int32_t> ids(count);
  for (std::int32_t& id : ids) id = static_cast<std::int32_t>(random.below(kRandomVocab));
  return ids;
}

/// [CLS] a ... [SEP] b ... [SEP] with random ids, as far as the length allows.
inline Encoding random_encoding(Random& random, std::size_t length) {
  Encoding out;
  const std::size_t middle = length / 2;
  for (std::size_t i = 0; i < length; ++i) {
    const bool separator = length > 2 && (i + 1 == length || i == middle);
    const std::uint8_t flag = i == 0 ? kSpecial | kCls : separator ? kSpecial | kSep : 0;
    out.push(static_cast<std::int32_t>(random.below(kRandomVocab)), {}, flag, i > middle ? 1 : 0);
  }
  return out;
}

/// A preset of configs/pruning with "token.keep=0.5" and so on laid over it.
inline algo::Policy policy_of(const std::string& preset, const std::vector<std::string>& overrides = {}) {
  return algo::load_policy(preset, std::string(SPATTEN_SOURCE_DIR) + "/configs/pruning", overrides);
}

}  // namespace spatten

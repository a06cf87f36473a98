// SPDX-License-Identifier: Apache-2.0
// A Hugging Face config.json in words that do not depend on the family. Keys that we do not know are accepted (hub files
// carry many); a key that would change the computation in a way that is not implemented is an error that names it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "spatten/base/json.h"

namespace spatten {

enum class Family { kBert, kGpt2 };
inline std::vector<std::pair<Family, std::string>> enum_names(Family) {
  return {{Family::kBert, "bert"}, {Family::kGpt2, "gpt2"}};
}

/// What the weights on top of the blocks are for; from "architectures", or from the tensors where that is absent.
enum class Task { kEncoder, kSequenceClassification, kQuestionAnswering, kMaskedLm, kCausalLm };
inline std::vector<std::pair<Task, std::string>> enum_names(Task) {
  return {{Task::kEncoder, "encoder"},
          {Task::kSequenceClassification, "sequence-classification"},
          {Task::kQuestionAnswering, "question-answering"},
          {Task::kMaskedLm, "masked-lm"},
          {Task::kCausalLm, "causal-lm"}};
}

enum class HiddenActivation {
  kGelu,      // x * Phi(x), by erf
  kGeluTanh,  // the tanh approximation ("gelu_new")
  kRelu,
};
inline std::vector<std::pair<HiddenActivation, std::string>> enum_names(HiddenActivation) {
  return {{HiddenActivation::kGelu, "gelu"}, {HiddenActivation::kGeluTanh, "gelu_tanh"}, {HiddenActivation::kRelu, "relu"}};
}

/// Ranges hold after reading: 1 <= heads, hidden = heads * head_dim, head_dim a multiple of 16 up to 256, ids < vocab.
struct ModelConfig {
  Family family = Family::kBert;
  std::optional<Task> task;          // empty when the file has no "architectures"; Checkpoint::open fills it
  std::uint32_t layers = 0;
  std::uint32_t heads = 0;
  std::uint32_t hidden = 0;          // width of a token's state
  std::uint32_t head_dim = 0;        // hidden / heads
  std::uint32_t ffn = 0;             // width inside the feed-forward
  std::uint32_t vocab = 0;
  std::uint32_t max_positions = 0;   // longest sequence
  std::uint32_t type_vocab = 0;      // token types of BERT; 0 for GPT-2
  float layer_norm_eps = 0;
  HiddenActivation activation = HiddenActivation::kGelu;
  std::vector<std::string> labels;   // of sequence classification, by id; one label: a score
  bool tie_word_embeddings = true;   // the LM head is the embedding table
  std::optional<std::uint32_t> bos_id, eos_id, pad_id;
};

/// Throws Error "NAME:LINE:/key: expected ..., found ..." at the first key that is missing or out of range.
ModelConfig read_model_config(const JsonFile& file);
/// Limits on size and depth included.
ModelConfig load_model_config(const std::string& path);

}  // namespace spatten

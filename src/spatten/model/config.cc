// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/config.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "spatten/base/json_tree.h"
#include "spatten/base/nearest.h"

namespace spatten {
namespace {

// Generous, but products of these fit in 64 bits with room and no loop over them takes long.
constexpr std::int64_t kMaxLayers = 1024, kMaxHeads = 1024, kMaxWidth = 1 << 20, kMaxVocab = 1 << 24,
                       kMaxPositions = 1 << 20, kMaxTypes = 1024, kMaxLabels = 65'536;
constexpr std::uint32_t kMaxHeadDim = 256, kHeadDimStep = 16;

// ---------------------------------------------------------------- families and tasks

struct Architecture {
  const char* name;
  Family family;
  Task task;
};

constexpr Architecture kArchitectures[] = {
    {"BertModel", Family::kBert, Task::kEncoder},
    {"BertForSequenceClassification", Family::kBert, Task::kSequenceClassification},
    {"BertForQuestionAnswering", Family::kBert, Task::kQuestionAnswering},
    {"BertForMaskedLM", Family::kBert, Task::kMaskedLm},
    {"BertForPreTraining", Family::kBert, Task::kMaskedLm},
    {"GPT2Model", Family::kGpt2, Task::kCausalLm},
    {"GPT2LMHeadModel", Family::kGpt2, Task::kCausalLm},
};

[[noreturn]] void fail_unknown(const JsonNode& node, const std::vector<std::string>& known) {
  const std::string& word = node.string();
  node.fail(fmt::format("expected one of {}, found \"{}\"{}", fmt::join(known, ", "), printable(word),
                        did_you_mean(word, known)));
}

const Architecture* find_architecture(const JsonNode& root) {
  const auto list = root.find("architectures");
  if (!list) return nullptr;
  if (!list->is_array()) list->fail_expected("an array of names");
  if (list->size() == 0) return nullptr;
  const JsonNode first = list->items().front();
  std::vector<std::string> known;
  for (const Architecture& a : kArchitectures) {
    if (first.string() == a.name) return &a;
    known.emplace_back(a.name);
  }
  fail_unknown(first, known);
}

Family read_family(const JsonNode& root, const Architecture* architecture) {
  const auto type = root.find("model_type");
  if (!type) {
    if (architecture == nullptr) root.at("model_type");  // throws: neither key says what this is
    return architecture->family;
  }
  std::vector<std::string> known;
  for (const auto& [family, name] : enum_names(Family{})) {
    known.push_back(name);
    if (type->string() != name) continue;
    if (architecture != nullptr && architecture->family != family) {
      type->fail(fmt::format("expected the family of {}, found \"{}\"", architecture->name, name));
    }
    return family;
  }
  fail_unknown(*type, known);
}

// ---------------------------------------------------------------- single keys

std::uint32_t count(const JsonNode& node, std::int64_t max) { return static_cast<std::uint32_t>(node.integer(1, max)); }

std::uint32_t count_or(const JsonNode& root, const char* key, std::int64_t max, std::uint32_t fallback) {
  const auto node = root.find(key);
  return node ? count(*node, max) : fallback;
}

bool flag_or(const JsonNode& root, const char* key, bool fallback) {
  const auto node = root.find(key);
  return node ? node->boolean() : fallback;
}

void require_flag(const JsonNode& root, const char* key, bool wanted) {
  const auto node = root.find(key);
  if (node && node->boolean() != wanted) {
    node->fail(fmt::format("expected {0}, found {1}: {1} is not supported", wanted, !wanted));
  }
}

float epsilon_or(const JsonNode& root, const char* key, float fallback) {
  const auto node = root.find(key);
  return node ? static_cast<float>(node->number(1e-30, 1)) : fallback;
}

HiddenActivation activation_or(const JsonNode& root, const char* key, HiddenActivation fallback) {
  static const std::vector<std::pair<std::string, HiddenActivation>> kNames = {
      {"gelu", HiddenActivation::kGelu},         {"gelu_python", HiddenActivation::kGelu},
      {"gelu_new", HiddenActivation::kGeluTanh}, {"gelu_pytorch_tanh", HiddenActivation::kGeluTanh},
      {"gelu_fast", HiddenActivation::kGeluTanh}, {"relu", HiddenActivation::kRelu},
  };
  const auto node = root.find(key);
  if (!node) return fallback;
  std::vector<std::string> known;
  for (const auto& [name, activation] : kNames) {
    if (node->string() == name) return activation;
    known.push_back(name);
  }
  fail_unknown(*node, known);
}

std::optional<std::uint32_t> token_id_or(const JsonNode& root, const char* key, std::uint32_t vocab,
                                         std::optional<std::uint32_t> fallback) {
  if (root.json().contains(key)) {
    const auto node = root.find(key);  // null says that there is none
    if (!node) return std::nullopt;
    return static_cast<std::uint32_t>(node->integer(0, std::int64_t{vocab} - 1));
  }
  return fallback && *fallback < vocab ? fallback : std::nullopt;
}

// ---------------------------------------------------------------- labels

/// The number that a key such as "12" of id2label stands for.
std::size_t label_id(const JsonNode& entry, std::size_t labels) {
  const std::string& key = entry.key();
  const bool digits = !key.empty() && key.size() <= 6 && std::all_of(key.begin(), key.end(), [](char c) { return c >= '0' && c <= '9'; });
  const std::size_t id = digits ? std::stoul(key) : labels;
  if (id >= labels) entry.fail(fmt::format("expected a key from 0 to {}, found \"{}\"", labels - 1, printable(key, 40)));
  return id;
}

std::vector<std::string> labels_by_id(const JsonNode& table) {
  if (!table.is_object() || table.size() == 0) table.fail_expected("an object of id: label");
  std::vector<std::optional<std::string>> labels(table.size());
  for (const JsonNode& entry : table.items()) {
    auto& label = labels[label_id(entry, labels.size())];
    if (label) entry.fail("expected each label id once, found it twice");  // "1" and "01"
    label = entry.string();
  }
  std::vector<std::string> out;
  for (auto& label : labels) out.push_back(std::move(*label));  // as many ids as places, none twice: all are set
  return out;
}

std::vector<std::string> labels_by_name(const JsonNode& table) {
  if (!table.is_object() || table.size() == 0) table.fail_expected("an object of label: id");
  std::vector<std::optional<std::string>> labels(table.size());
  for (const JsonNode& entry : table.items()) {
    auto& label = labels[static_cast<std::size_t>(entry.integer(0, static_cast<std::int64_t>(labels.size()) - 1))];
    if (label) entry.fail("expected each label id once, found it twice");
    label = entry.key();
  }
  std::vector<std::string> out;
  for (auto& label : labels) out.push_back(std::move(*label));
  return out;
}

/// id2label, else label2id, else LABEL_0 ... for num_labels (2 when absent, as in the transformers library).
std::vector<std::string> read_labels(const JsonNode& root) {
  const auto number = root.find("num_labels");
  std::vector<std::string> labels;
  if (const auto by_id = root.find("id2label")) {
    labels = labels_by_id(*by_id);
  } else if (const auto by_name = root.find("label2id")) {
    labels = labels_by_name(*by_name);
  } else {
    const std::uint32_t n = number ? count(*number, kMaxLabels) : 2;
    for (std::uint32_t i = 0; i < n; ++i) labels.push_back(fmt::format("LABEL_{}", i));
  }
  if (number && count(*number, kMaxLabels) != labels.size()) {
    number->fail_expected(fmt::format("{} as in the table of labels", labels.size()));
  }
  return labels;
}

// ---------------------------------------------------------------- families

void set_heads(const JsonNode& hidden, const JsonNode& heads, ModelConfig& c) {
  c.hidden = count(hidden, kMaxWidth);
  c.heads = count(heads, kMaxHeads);
  if (c.hidden % c.heads != 0) {
    hidden.fail(fmt::format("expected a multiple of {} = {}, found {}", heads.key(), c.heads, c.hidden));
  }
  c.head_dim = c.hidden / c.heads;
  if (c.head_dim % kHeadDimStep != 0 || c.head_dim > kMaxHeadDim) {
    hidden.fail(fmt::format("expected a head dimension ({} / {}) that is a multiple of {} up to {}, found {}", hidden.key(),
                            heads.key(), kHeadDimStep, kMaxHeadDim, c.head_dim));
  }
}

/// Features of the library's configuration classes that change the result and are not implemented.
void refuse_unsupported(const JsonNode& root, const ModelConfig& c) {
  require_flag(root, "is_decoder", false);
  require_flag(root, "is_encoder_decoder", false);
  require_flag(root, "add_cross_attention", false);
  if (const auto kv = root.find("num_key_value_heads"); kv && kv->integer(0, INT64_MAX) != c.heads) {
    kv->fail_expected(fmt::format("{}, the number of heads (grouped queries are not supported)", c.heads));
  }
  if (const auto pruned = root.find("pruned_heads"); pruned && pruned->size() != 0) {
    pruned->fail("expected no heads removed from the weights, found some: not supported");
  }
  if (const auto quantized = root.find("quantization_config")) {
    quantized->fail("expected weights in F32, F16 or BF16, found a quantization: not supported");
  }
}

void read_bert(const JsonNode& root, ModelConfig& c) {
  c.layers = count(root.at("num_hidden_layers"), kMaxLayers);
  set_heads(root.at("hidden_size"), root.at("num_attention_heads"), c);
  c.ffn = count(root.at("intermediate_size"), kMaxWidth);
  c.vocab = count(root.at("vocab_size"), kMaxVocab);
  c.max_positions = count(root.at("max_position_embeddings"), kMaxPositions);
  c.type_vocab = count_or(root, "type_vocab_size", kMaxTypes, 2);
  c.layer_norm_eps = epsilon_or(root, "layer_norm_eps", 1e-12f);
  c.activation = activation_or(root, "hidden_act", HiddenActivation::kGelu);
  c.pad_id = token_id_or(root, "pad_token_id", c.vocab, 0);
  if (const auto kind = root.find("position_embedding_type"); kind && kind->string() != "absolute") {
    kind->fail_expected("\"absolute\"");
  }
}

void read_gpt2(const JsonNode& root, ModelConfig& c) {
  c.layers = count(root.at("n_layer"), kMaxLayers);
  set_heads(root.at("n_embd"), root.at("n_head"), c);
  c.ffn = count_or(root, "n_inner", kMaxWidth, 4 * c.hidden);
  c.vocab = count(root.at("vocab_size"), kMaxVocab);
  const auto positions = root.find("n_positions");  // "n_ctx" in the oldest files
  c.max_positions = count(positions || !root.find("n_ctx") ? root.at("n_positions") : root.at("n_ctx"), kMaxPositions);
  c.layer_norm_eps = epsilon_or(root, "layer_norm_epsilon", 1e-5f);
  c.activation = activation_or(root, "activation_function", HiddenActivation::kGeluTanh);
  require_flag(root, "scale_attn_weights", true);
  require_flag(root, "scale_attn_by_inverse_layer_idx", false);
  c.pad_id = token_id_or(root, "pad_token_id", c.vocab, std::nullopt);
}

}  // namespace

ModelConfig read_model_config(const JsonFile& file) {
  const JsonNode root = file.root();
  if (!root.is_object()) root.fail_expected("an object");
  const Architecture* architecture = find_architecture(root);
  ModelConfig c;
  c.family = read_family(root, architecture);
  if (architecture != nullptr) c.task = architecture->task;
  c.family == Family::kBert ? read_bert(root, c) : read_gpt2(root, c);
  const std::optional<std::uint32_t> end_of_text = c.family == Family::kGpt2 ? std::optional(50256u) : std::nullopt;
  c.bos_id = token_id_or(root, "bos_token_id", c.vocab, end_of_text);
  c.eos_id = token_id_or(root, "eos_token_id", c.vocab, end_of_text);
  c.tie_word_embeddings = flag_or(root, "tie_word_embeddings", true);
  c.labels = read_labels(root);
  refuse_unsupported(root, c);
  return c;
}

ModelConfig load_model_config(const std::string& path) {
  constexpr JsonLimits kLimits{.bytes = std::uint64_t{4} << 20, .depth = 32, .values = 100'000};
  return read_model_config(JsonFile::load(path, kLimits));
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// The tables of the two families. Matching is in weights_match.cc.
#include "spatten/model/weights_table.h"

#include <algorithm>

#include "spatten/base/fields.h"

namespace spatten {
namespace {

/// A size and the key of config.json that it comes from.
struct Dim {
  std::uint64_t size;
  std::string key;
};

/// Writes table lines. Names in the base model may carry its prefix in the file.
class TableBuilder {
 public:
  explicit TableBuilder(std::string prefix) : prefix_(std::move(prefix)) {}

  std::vector<WeightSpec> specs;

  void matrix(const std::string& name, const Dim& rows, const Dim& cols, Orientation o = Orientation::kNone) {
    WeightSpec& spec = add(name, {rows.size, cols.size}, rows.key + " x " + cols.key);
    spec.orientation = o;
    if (o != Orientation::kNone) spec.rounding = Rounding::kToPrecision;
  }
  void vector(const std::string& name, const Dim& size) { add(name, {size.size}, size.key); }
  void linear(const std::string& name, const Dim& in, const Dim& out) {
    matrix(name + ".weight", out, in, Orientation::kLinear);
    vector(name + ".bias", out);
  }
  void conv1d(const std::string& name, const Dim& in, const Dim& out) {
    matrix(name + ".weight", in, out, Orientation::kConv1d);
    vector(name + ".bias", out);
  }
  void layer_norm(const std::string& name, const Dim& size) {
    for (const auto& [part, old] : {std::pair(".weight", ".gamma"), {".bias", ".beta"}}) {  // old: TensorFlow's words
      vector(name + part, size);
      spell(name + old);
    }
  }
  /// The last table is the LM head as well, of which files may hold a copy.
  void tie(const std::string& copy) {
    last().tied_name = copy;
    last().rounding = Rounding::kToPrecision;
  }
  /// A linear layer with few outputs.
  void small_head(const std::string& name, const Dim& in, const Dim& out) {
    linear(name, in, out);
    last(1).rounding = Rounding::kNever;
  }
  /// What follows stands beside the base model, without its prefix.
  void leave_base() { prefix_.clear(); }
  WeightSpec& last(std::size_t back = 0) { return specs[specs.size() - 1 - back]; }

 private:
  WeightSpec& add(const std::string& name, std::vector<std::uint64_t> shape, std::string keys) {
    WeightSpec& spec = specs.emplace_back();
    spec.name = name;
    spec.shape = std::move(shape);
    spec.shape_keys = std::move(keys);
    if (!prefix_.empty()) spec.aliases.push_back(prefix_ + name);
    return spec;
  }
  void spell(const std::string& name) {
    last().aliases.push_back(name);
    if (!prefix_.empty()) last().aliases.push_back(prefix_ + name);
  }

  std::string prefix_;
};

void add_bert_layer(TableBuilder& t, std::uint32_t layer, const Dim& hidden, const Dim& ffn) {
  const std::string at = fmt::format("encoder.layer.{}.", layer);
  for (const char* part : {"query", "key", "value"}) t.linear(at + "attention.self." + part, hidden, hidden);
  t.linear(at + "attention.output.dense", hidden, hidden);
  t.layer_norm(at + "attention.output.LayerNorm", hidden);
  t.linear(at + "intermediate.dense", hidden, ffn);
  t.linear(at + "output.dense", ffn, hidden);
  t.layer_norm(at + "output.LayerNorm", hidden);
}

void add_bert_mlm_head(TableBuilder& t, const ModelConfig& c, const Dim& hidden, const Dim& vocab) {
  t.linear("cls.predictions.transform.dense", hidden, hidden);
  t.layer_norm("cls.predictions.transform.LayerNorm", hidden);
  if (!c.tie_word_embeddings) t.matrix("cls.predictions.decoder.weight", vocab, hidden, Orientation::kLinear);
  t.vector("cls.predictions.bias", vocab);
  t.last().tied_name = "cls.predictions.decoder.bias";
}

std::vector<WeightSpec> bert_table(const ModelConfig& c) {
  const Dim hidden{c.hidden, "hidden_size"}, ffn{c.ffn, "intermediate_size"}, vocab{c.vocab, "vocab_size"};
  TableBuilder t("bert.");
  t.matrix("embeddings.word_embeddings.weight", vocab, hidden);
  if (*c.task == Task::kMaskedLm && c.tie_word_embeddings) t.tie("cls.predictions.decoder.weight");
  t.matrix("embeddings.position_embeddings.weight", {c.max_positions, "max_position_embeddings"}, hidden);
  t.matrix("embeddings.token_type_embeddings.weight", {c.type_vocab, "type_vocab_size"}, hidden);
  t.layer_norm("embeddings.LayerNorm", hidden);
  for (std::uint32_t layer = 0; layer < c.layers; ++layer) add_bert_layer(t, layer, hidden, ffn);
  t.linear("pooler.dense", hidden, hidden);
  if (*c.task != Task::kSequenceClassification) t.last(0).presence = t.last(1).presence = Presence::kOptional;
  t.leave_base();
  if (*c.task == Task::kSequenceClassification) t.small_head("classifier", hidden, {c.labels.size(), "num_labels"});
  if (*c.task == Task::kQuestionAnswering) t.small_head("qa_outputs", hidden, {2, "2"});
  if (*c.task == Task::kMaskedLm) add_bert_mlm_head(t, c, hidden, vocab);
  return std::move(t.specs);
}

std::vector<WeightSpec> gpt2_table(const ModelConfig& c) {
  const Dim hidden{c.hidden, "n_embd"}, ffn{c.ffn, "n_inner"}, vocab{c.vocab, "vocab_size"};
  TableBuilder t("transformer.");
  t.matrix("wte.weight", vocab, hidden);
  if (c.tie_word_embeddings) t.tie("lm_head.weight");
  t.matrix("wpe.weight", {c.max_positions, "n_positions"}, hidden);
  for (std::uint32_t layer = 0; layer < c.layers; ++layer) {
    const std::string at = fmt::format("h.{}.", layer);
    t.layer_norm(at + "ln_1", hidden);
    t.conv1d(at + "attn.c_attn", hidden, {3 * hidden.size, "3 n_embd"});
    t.conv1d(at + "attn.c_proj", hidden, hidden);
    t.layer_norm(at + "ln_2", hidden);
    t.conv1d(at + "mlp.c_fc", hidden, ffn);
    t.conv1d(at + "mlp.c_proj", ffn, hidden);
  }
  t.layer_norm("ln_f", hidden);
  t.leave_base();
  if (!c.tie_word_embeddings) t.matrix("lm_head.weight", vocab, hidden, Orientation::kLinear);
  return std::move(t.specs);
}

std::vector<std::string> ignored_names(const ModelConfig& c) {
  std::vector<std::string> out;
  if (c.family == Family::kBert) {
    for (const char* prefix : {"", "bert."}) {
      for (const char* buffer : {"position_ids", "token_type_ids"}) out.push_back(fmt::format("{}embeddings.{}", prefix, buffer));
    }
    out.push_back("cls.seq_relationship.");
    if (*c.task == Task::kEncoder) out.push_back("cls.predictions.");
    return out;
  }
  for (std::uint32_t layer = 0; layer < c.layers; ++layer) {
    for (const char* prefix : {"", "transformer."}) {
      for (const char* mask : {"bias", "masked_bias"}) out.push_back(fmt::format("{}h.{}.attn.{}", prefix, layer, mask));
    }
  }
  return out;
}

}  // namespace

WeightsTable::WeightsTable(const ModelConfig& config) {
  SPATTEN_CHECK(config.task.has_value());
  SPATTEN_CHECK((config.family == Family::kGpt2) == (*config.task == Task::kCausalLm));
  title_ = fmt::format("{} for {} with {} layer{}", enum_name(config.family), enum_name(*config.task), config.layers,
                       config.layers == 1 ? "" : "s");
  specs_ = config.family == Family::kBert ? bert_table(config) : gpt2_table(config);
  ignored_ = ignored_names(config);
}

std::uint64_t WeightsTable::required_elements() const {
  std::uint64_t sum = 0;  // the ranges of ModelConfig keep this far below 2^64
  for (const WeightSpec& spec : specs_) {
    std::uint64_t elements = spec.presence == Presence::kRequired ? 1 : 0;
    for (const std::uint64_t d : spec.shape) elements *= d;
    sum += elements;
  }
  return sum;
}

Task task_of_tensors(Family family, std::span<const SafetensorsFile> files) {
  if (family == Family::kGpt2) return Task::kCausalLm;
  const auto present = [&](std::string_view name) {
    return std::any_of(files.begin(), files.end(), [&](const SafetensorsFile& f) { return f.find(name) != nullptr; });
  };
  if (present("classifier.weight")) return Task::kSequenceClassification;
  if (present("qa_outputs.weight")) return Task::kQuestionAnswering;
  return present("cls.predictions.transform.dense.weight") ? Task::kMaskedLm : Task::kEncoder;
}

}  // namespace spatten

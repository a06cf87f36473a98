// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/bert.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "spatten/layers/block.h"
#include "spatten/model/checkpoint.h"
#include "spatten/model/cascade_flags.h"
#include "spatten/model/weight_loader.h"

namespace spatten {

struct Bert::Weights {
  ModelConfig config;
  OwnedMatrix<float> words, positions, types;
  kernels::PackedMatrix tied_words;  // in place of `words` where the masked LM head needs it
  LayerNorm embedding_norm;
  std::vector<Block> blocks;
  std::optional<Linear> pooler, classifier, spans, mlm_transform, mlm_decoder;
  LayerNorm mlm_norm;
  std::vector<float> mlm_bias;
  std::size_t bytes = 0;
  mutable kernels::Gemm gemm;

  void embed(const Encoding& tokens, Matrix out) const;
  void copy_word(std::int32_t id, float* out) const {
    if (tied_words.in() > 0) {
      tied_words.copy_column(static_cast<std::size_t>(id), out);
    } else {
      std::copy_n(words.row(static_cast<std::size_t>(id)), words.cols(), out);
    }
  }
};

namespace {

void load_block(WeightLoader& loader, const ModelConfig& config, std::uint32_t layer, Block& block) {
  const std::string name = fmt::format("encoder.layer.{}.", layer), self = name + "attention.self.";
  block.shape = {layer, config.layers, config.heads, config.head_dim, config.hidden, config.ffn, false,
                 1.0f / std::sqrt(static_cast<float>(config.head_dim)), NormPlacement::kPost, activation_of(config)};
  const std::size_t width = kernels::PackedMatrix::kDefaultPanelWidth;
  loader.linear({self + "query", self + "key", self + "value"}, head_panel_width(config.head_dim), block.qkv);
  loader.linear({name + "attention.output.dense"}, width, block.output);
  loader.layer_norm(name + "attention.output.LayerNorm", config.layer_norm_eps, block.attention_norm);
  loader.linear({name + "intermediate.dense"}, width, block.up);
  loader.linear({name + "output.dense"}, width, block.down);
  loader.layer_norm(name + "output.LayerNorm", config.layer_norm_eps, block.ffn_norm);
}

void load_optional(WeightLoader& loader, const Checkpoint& checkpoint, const std::string& name, std::optional<Linear>& out) {
  if (!checkpoint.has(name + ".weight")) return;
  loader.linear({name}, kernels::PackedMatrix::kDefaultPanelWidth, out.emplace());
}

/// The head on these rows; throws when the checkpoint has none.
OwnedMatrix<float> apply(const std::optional<Linear>& head, const char* what, kernels::Activation activation, ConstMatrix rows,
                         const RunOptions& options, kernels::Gemm& gemm) {
  if (!head) throw Error(fmt::format("this checkpoint has no {}", what));
  OwnedMatrix<float> out(rows.rows, head->out());
  kernels::LinearArgs args;
  args.x = rows;
  args.w = &head->weight;
  args.bias = head->bias_or_null();
  args.y = out.view();
  args.activation = activation;
  kernels::linear(args, gemm, *options.threads);
  return out;
}

}  // namespace

Bert::Bert(const Checkpoint& checkpoint, ThreadPool& threads) : weights_(std::make_unique<Weights>()) {
  Weights& w = *weights_;
  w.config = checkpoint.config();
  WeightLoader loader(checkpoint);
  const bool tied = checkpoint.has("cls.predictions.transform.dense.weight") && !checkpoint.has("cls.predictions.decoder.weight");
  if (tied) {
    loader.packed_table("embeddings.word_embeddings.weight", w.tied_words);
  } else {
    loader.table("embeddings.word_embeddings.weight", w.words);
  }
  loader.table("embeddings.position_embeddings.weight", w.positions);
  loader.table("embeddings.token_type_embeddings.weight", w.types);
  loader.layer_norm("embeddings.LayerNorm", w.config.layer_norm_eps, w.embedding_norm);
  w.blocks.resize(w.config.layers);
  for (std::uint32_t l = 0; l < w.config.layers; ++l) load_block(loader, w.config, l, w.blocks[l]);
  load_optional(loader, checkpoint, "pooler.dense", w.pooler);
  load_optional(loader, checkpoint, "classifier", w.classifier);
  load_optional(loader, checkpoint, "qa_outputs", w.spans);
  load_optional(loader, checkpoint, "cls.predictions.transform.dense", w.mlm_transform);
  if (w.mlm_transform) {
    loader.layer_norm("cls.predictions.transform.LayerNorm", w.config.layer_norm_eps, w.mlm_norm);
    loader.vector("cls.predictions.bias", w.mlm_bias);
    if (!tied) {
      Linear& decoder = w.mlm_decoder.emplace();
      loader.packed_table("cls.predictions.decoder.weight", decoder.weight);
    }
  }
  loader.run(threads);
  w.bytes = checkpoint.weight_bytes();
}

Bert::~Bert() = default;
Bert::Bert(Bert&&) noexcept = default;
Bert& Bert::operator=(Bert&&) noexcept = default;

const ModelConfig& Bert::config() const { return weights_->config; }
std::size_t Bert::weight_bytes() const { return weights_->bytes; }

void Bert::Weights::embed(const Encoding& tokens, Matrix out) const {
  for (std::size_t i = 0; i < tokens.ids.size(); ++i) {
    const std::int32_t id = tokens.ids[i], type = tokens.type_ids[i];
    if (id < 0 || static_cast<std::uint32_t>(id) >= config.vocab) {
      throw Error(fmt::format("token id {} is outside the model's vocabulary of {}", id, config.vocab));
    }
    if (type < 0 || static_cast<std::uint32_t>(type) >= config.type_vocab) {
      throw Error(fmt::format("this model has {} token types: text pairs need 2", config.type_vocab));
    }
    float* row = out.row(i);
    copy_word(id, row);
    const float* position = positions.row(i);
    const float* type_row = types.row(static_cast<std::size_t>(type));
    for (std::size_t c = 0; c < out.cols; ++c) row[c] += position[c] + type_row[c];
  }
}

EncoderOutput Bert::encode(std::span<const Encoding> batch, const RunOptions& options) const {
  const Weights& w = *weights_;
  const ModelConfig& config = w.config;
  EncoderOutput out;
  out.offsets.push_back(0);
  for (const Encoding& tokens : batch) {
    if (tokens.size() == 0) throw Error("expected at least one token, found none");
    if (tokens.size() > config.max_positions) {
      throw Error(fmt::format("the text has {} tokens, the model takes at most {} (--truncate cuts it)", tokens.size(),
                              config.max_positions));
    }
    out.offsets.push_back(out.offsets.back() + tokens.size());
  }
  const std::size_t total = out.offsets.back();
  out.hidden.resize(total, config.hidden);
  out.reports.resize(batch.size());

  Pass pass;
  pass.options = &options;
  pass.gemm = &w.gemm;
  pass.scratch.resize(options.threads->size());
  pass.x.resize(total, config.hidden);
  pass.qkv.resize(total, 3 * config.hidden);
  pass.context.resize(total, config.hidden);
  pass.ffn.resize(total, config.ffn);

  const algo::ModelShape shape{config.layers, config.heads, config.head_dim, config.max_positions, false};
  std::vector<std::unique_ptr<algo::CascadeState>> cascades;
  for (std::size_t s = 0; s < batch.size(); ++s) {
    const Encoding& tokens = batch[s];
    PassSequence& sequence = pass.sequences.emplace_back();
    sequence.first_row = out.offsets[s];
    sequence.rows = sequence.new_tokens = sequence.context = tokens.size();
    sequence.row_tokens.resize(tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) sequence.row_tokens[i] = static_cast<std::uint32_t>(i);
    sequence.report = &out.reports[s];
    sequence.step = options.first_step + static_cast<std::uint32_t>(s);
    sequence.frozen = out.hidden.view().rows_from(out.offsets[s], tokens.size());
    if (needs_cascade(options.policy)) {
      cascades.push_back(std::make_unique<algo::CascadeState>(*options.policy, shape, cascade_flags(tokens), options.seed));
      sequence.cascade = cascades.back().get();
    }
    w.embed(tokens, pass.x.view().rows_from(sequence.first_row, tokens.size()));
  }
  w.embedding_norm(pass.x.view(), pass.x.view(), *options.threads);
  for (const Block& block : w.blocks) {
    throw_if_cancelled(options);
    block.run(pass);
  }
  write_records(pass);
  freeze_survivors(pass);
  return out;
}

OwnedMatrix<float> Bert::pool(ConstMatrix first_tokens, const RunOptions& options) const {
  return apply(weights_->pooler, "pooler", kernels::Activation::kTanh, first_tokens, options, weights_->gemm);
}

OwnedMatrix<float> Bert::classify(ConstMatrix pooled, const RunOptions& options) const {
  return apply(weights_->classifier, "classification head", kernels::Activation::kNone, pooled, options, weights_->gemm);
}

OwnedMatrix<float> Bert::spans(ConstMatrix hidden, const RunOptions& options) const {
  return apply(weights_->spans, "question answering head", kernels::Activation::kNone, hidden, options, weights_->gemm);
}

OwnedMatrix<float> Bert::vocabulary(ConstMatrix hidden, const RunOptions& options) const {
  const Weights& w = *weights_;
  OwnedMatrix<float> t =
      apply(w.mlm_transform, "masked LM head", activation_of(w.config), hidden, options, w.gemm);
  w.mlm_norm(t.view(), t.view(), *options.threads);
  OwnedMatrix<float> out(hidden.rows, w.config.vocab);
  kernels::LinearArgs args;
  args.x = t.view();
  args.w = w.mlm_decoder ? &w.mlm_decoder->weight : &w.tied_words;
  args.bias = w.mlm_bias.data();
  args.y = out.view();
  kernels::linear(args, w.gemm, *options.threads);
  return out;
}

}  // namespace spatten

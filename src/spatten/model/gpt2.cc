// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/gpt2.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "spatten/layers/block.h"
#include "spatten/model/cascade_flags.h"
#include "spatten/model/checkpoint.h"
#include "spatten/model/weight_loader.h"

namespace spatten {

struct DecoderSequence {
  std::vector<KvCache> caches;  // per layer
  std::optional<algo::CascadeState> cascade;
  RunReport report;
  std::size_t length = 0;
  std::uint32_t passes = 0;
  bool whole = true;  // false while a pass runs
};

struct Gpt2::Weights {
  ModelConfig config;
  OwnedMatrix<float> words, positions;  // words: only when the LM head is not tied
  kernels::PackedMatrix head;           // hidden x vocab, tied or not
  std::vector<Block> blocks;
  LayerNorm final_norm;
  std::size_t bytes = 0;
  mutable kernels::Gemm gemm;

  /// Throws Error when a sequence of this length cannot take the tokens; nothing has changed by then.
  void check_tokens(std::span<const std::int32_t> tokens, std::size_t length) const;
  void embed(std::span<const std::int32_t> tokens, std::size_t first_position, Matrix out) const;
  /// Runs the blocks; the caller owns the matrices of the pass.
  void run(std::span<Decoder* const> sequences, std::span<const std::vector<std::int32_t>> tokens, Matrix frozen,
           const RunOptions& options, Pass& pass) const;
  OwnedMatrix<float> logits(Matrix rows, const RunOptions& options) const;
};

// ---------------------------------------------------------------- Decoder

Decoder::Decoder() = default;
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

std::size_t Decoder::length() const { return state_->length; }
const RunReport& Decoder::report() const { return state_->report; }

std::size_t Decoder::kv_bytes() const {
  std::size_t total = 0;
  for (const KvCache& c : state_->caches) total += c.bytes();
  return total;
}

std::size_t Decoder::kv_bytes_dense() const {
  std::size_t total = 0;
  for (const KvCache& c : state_->caches) total += c.dense_bytes(state_->length);
  return total;
}

// ---------------------------------------------------------------- Gpt2

namespace {

void load_block(WeightLoader& loader, const ModelConfig& config, std::uint32_t layer, Block& block) {
  const std::string name = fmt::format("h.{}.", layer);
  const float scale = 1.0f / std::sqrt(static_cast<float>(config.head_dim));
  block.shape = {layer,      config.layers, config.heads, config.head_dim,     config.hidden,
                 config.ffn, true,          scale,        NormPlacement::kPre, activation_of(config)};
  const std::size_t width = kernels::PackedMatrix::kDefaultPanelWidth;
  loader.layer_norm(name + "ln_1", config.layer_norm_eps, block.attention_norm);
  loader.linear({name + "attn.c_attn"}, head_panel_width(config.head_dim), block.qkv);
  loader.linear({name + "attn.c_proj"}, width, block.output);
  loader.layer_norm(name + "ln_2", config.layer_norm_eps, block.ffn_norm);
  loader.linear({name + "mlp.c_fc"}, width, block.up);
  loader.linear({name + "mlp.c_proj"}, width, block.down);
}

/// Appends the new tokens to the cascade: one is an iteration of generation, several (or the first) a prompt pass.
void begin_pass(DecoderSequence& state, std::size_t new_tokens, PassSequence& sequence) {
  const bool generation = new_tokens == 1 && state.length > 0;
  sequence.stage = generation ? trace::Stage::kGeneration : trace::Stage::kSummarization;
  if (!state.cascade) return;
  sequence.cascade = &*state.cascade;
  if (generation) {
    state.cascade->append_token();
    state.cascade->begin_iteration();
  } else {
    state.cascade->begin_prompt(std::vector<std::uint8_t>(new_tokens, 0));
  }
}

}  // namespace

Gpt2::Gpt2(const Checkpoint& checkpoint, ThreadPool& threads) : weights_(std::make_unique<Weights>()) {
  Weights& w = *weights_;
  w.config = checkpoint.config();
  WeightLoader loader(checkpoint);
  if (checkpoint.has("lm_head.weight")) {
    loader.table("wte.weight", w.words);
    loader.packed_table("lm_head.weight", w.head);
  } else {
    loader.packed_table("wte.weight", w.head);
  }
  loader.table("wpe.weight", w.positions);
  w.blocks.resize(w.config.layers);
  for (std::uint32_t l = 0; l < w.config.layers; ++l) load_block(loader, w.config, l, w.blocks[l]);
  loader.layer_norm("ln_f", w.config.layer_norm_eps, w.final_norm);
  loader.run(threads);
  w.bytes = checkpoint.weight_bytes();
}

Gpt2::~Gpt2() = default;
Gpt2::Gpt2(Gpt2&&) noexcept = default;
Gpt2& Gpt2::operator=(Gpt2&&) noexcept = default;

const ModelConfig& Gpt2::config() const { return weights_->config; }
std::size_t Gpt2::weight_bytes() const { return weights_->bytes; }

Decoder Gpt2::start(const RunOptions& options) const {
  const ModelConfig& config = weights_->config;
  Decoder decoder;
  decoder.state_ = std::make_unique<DecoderSequence>();
  const algo::Policy dense;
  const algo::Policy& policy = options.policy == nullptr ? dense : *options.policy;
  decoder.state_->caches.reserve(config.layers);
  for (std::uint32_t l = 0; l < config.layers; ++l) {
    decoder.state_->caches.emplace_back(config.heads, config.head_dim, stored_quantization(options));
  }
  if (needs_cascade(options.policy)) {
    const algo::ModelShape shape{config.layers, config.heads, config.head_dim, config.max_positions, true};
    decoder.state_->cascade.emplace(policy, shape, std::span<const std::uint8_t>(), options.seed);
  }
  return decoder;
}

void Gpt2::Weights::check_tokens(std::span<const std::int32_t> tokens, std::size_t length) const {
  if (tokens.empty()) throw Error("expected at least one token, found none");
  if (length + tokens.size() > config.max_positions) {
    throw Error(fmt::format("the text has {} tokens, the model takes at most {} (--truncate cuts it)",
                            length + tokens.size(), config.max_positions));
  }
  for (const std::int32_t id : tokens) {
    if (id < 0 || static_cast<std::uint32_t>(id) >= config.vocab) {
      throw Error(fmt::format("token id {} is outside the model's vocabulary of {}", id, config.vocab));
    }
  }
}

void Gpt2::Weights::embed(std::span<const std::int32_t> tokens, std::size_t first_position, Matrix out) const {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::int32_t id = tokens[i];
    float* row = out.row(i);
    if (words.rows() > 0) {
      std::copy_n(words.row(static_cast<std::size_t>(id)), words.cols(), row);
    } else {
      head.copy_column(static_cast<std::size_t>(id), row);
    }
    const float* position = positions.row(first_position + i);
    for (std::size_t c = 0; c < out.cols; ++c) row[c] += position[c];
  }
}

void Gpt2::Weights::run(std::span<Decoder* const> sequences, std::span<const std::vector<std::int32_t>> tokens, Matrix frozen,
                        const RunOptions& options, Pass& pass) const {
  SPATTEN_CHECK(sequences.size() == tokens.size());
  SPATTEN_CHECK(options.sink == nullptr || sequences.size() <= 1);
  std::size_t total = 0;
  for (std::size_t s = 0; s < tokens.size(); ++s) {
    SPATTEN_CHECK(sequences[s]->state_->whole);
    check_tokens(tokens[s], sequences[s]->state_->length);
    total += tokens[s].size();
  }
  pass.options = &options;
  pass.gemm = &gemm;
  pass.scratch.resize(options.threads->size());
  pass.x.resize(total, config.hidden);
  pass.normed.resize(total, config.hidden);
  pass.qkv.resize(total, 3 * config.hidden);
  pass.context.resize(total, config.hidden);
  pass.ffn.resize(total, config.ffn);
  for (std::size_t s = 0, row = 0; s < tokens.size(); row += tokens[s].size(), ++s) {
    DecoderSequence& state = *sequences[s]->state_;
    state.whole = false;
    PassSequence& sequence = pass.sequences.emplace_back();
    sequence.first_row = row;
    sequence.rows = sequence.new_tokens = tokens[s].size();
    sequence.first_token = static_cast<std::uint32_t>(state.length);
    sequence.context = state.length + tokens[s].size();
    for (std::size_t i = state.length; i < sequence.context; ++i) sequence.row_tokens.push_back(static_cast<std::uint32_t>(i));
    sequence.caches = &state.caches;
    sequence.report = &state.report;
    sequence.step = options.first_step + state.passes;
    if (frozen.data != nullptr) sequence.frozen = frozen.rows_from(row, tokens[s].size());
    embed(tokens[s], state.length, pass.x.view().rows_from(row, tokens[s].size()));
    begin_pass(state, tokens[s].size(), sequence);
    state.length = sequence.context;
    state.passes += 1;
  }
  for (const Block& block : blocks) {
    throw_if_cancelled(options);
    block.run(pass);
  }
  write_records(pass);
  for (Decoder* sequence : sequences) sequence->state_->whole = true;
}

OwnedMatrix<float> Gpt2::Weights::logits(Matrix rows, const RunOptions& options) const {
  final_norm(rows, rows, *options.threads);
  OwnedMatrix<float> out(rows.rows, config.vocab);
  kernels::LinearArgs args;
  args.x = rows;
  args.w = &head;
  args.y = out.view();
  kernels::linear(args, gemm, *options.threads);
  return out;
}

OwnedMatrix<float> Gpt2::extend(std::span<Decoder* const> sequences, std::span<const std::vector<std::int32_t>> tokens,
                                const RunOptions& options) const {
  const Weights& w = *weights_;
  Pass pass;
  w.run(sequences, tokens, {}, options, pass);
  OwnedMatrix<float> last(sequences.size(), w.config.hidden);
  for (std::size_t s = 0; s < sequences.size(); ++s) {
    const PassSequence& p = pass.sequences[s];
    std::copy_n(pass.x.row(p.first_row + p.rows - 1), w.config.hidden, last.row(s));
    add_head_ops(p.report->work, matmul_ops(1, w.config.hidden, w.config.vocab));
  }
  return w.logits(last.view(), options);
}

OwnedMatrix<float> Gpt2::extend_all_logits(Decoder& sequence, std::span<const std::int32_t> tokens,
                                           const RunOptions& options) const {
  const Weights& w = *weights_;
  OwnedMatrix<float> all(tokens.size(), w.config.hidden);
  Decoder* const one[] = {&sequence};
  const std::vector<std::int32_t> ids[] = {{tokens.begin(), tokens.end()}};
  Pass pass;
  w.run(one, ids, all.view(), options, pass);
  freeze_survivors(pass);
  add_head_ops(sequence.state_->report.work, matmul_ops(tokens.size(), w.config.hidden, w.config.vocab));
  return w.logits(all.view(), options);
}

}  // namespace spatten

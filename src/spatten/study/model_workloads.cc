// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/model_workloads.h"

#include "spatten/base/random.h"

namespace spatten {
namespace {

/// Token ids that no pass can tell from text: random, the same every time.
std::vector<std::int32_t> random_tokens(std::size_t count, std::uint32_t vocabulary, std::uint64_t seed) {
  Random random(seed);
  std::vector<std::int32_t> out(count);
  for (std::int32_t& id : out) id = static_cast<std::int32_t>(random.below(vocabulary));
  return out;
}

Encoding random_encoding(std::size_t count, std::uint32_t vocabulary) {
  Encoding out;
  for (const std::int32_t id : random_tokens(count, vocabulary, 1)) {
    out.push(id, {0, 0}, out.empty() ? std::uint8_t{kSpecial | kCls} : std::uint8_t{0});
  }
  return out;
}

}  // namespace

EncoderWorkload::EncoderWorkload(std::shared_ptr<const Bert> model, std::size_t tokens, std::size_t passes, ModelRun how)
    : model_(std::move(model)), tokens_(random_encoding(tokens, model_->config().vocab)), passes_(passes), how_(std::move(how)) {
  SPATTEN_CHECK(tokens > 0 && tokens <= model_->config().max_positions && passes > 0);
}

void EncoderWorkload::run() {
  RunOptions options;
  options.threads = how_.threads;
  options.policy = how_.policy ? &*how_.policy : nullptr;
  for (std::size_t i = 0; i < passes_; ++i) {
    work_ = model_->encode({&tokens_, 1}, options).reports[0].work;
  }
}

double step_weight_bytes(const ModelConfig& config, std::size_t weight_bytes) {
  const std::size_t rows = config.max_positions + std::size_t{config.tie_word_embeddings ? 0 : config.vocab};
  return static_cast<double>(weight_bytes - rows * config.hidden * sizeof(float));
}

DecoderWorkload::DecoderWorkload(std::shared_ptr<const Gpt2> model, Shape shape, ModelRun how)
    : model_(std::move(model)),
      shape_(shape),
      how_(std::move(how)),
      weight_bytes_(step_weight_bytes(model_->config(), model_->weight_bytes())) {
  SPATTEN_CHECK(shape.tokens_per_run > 0 && shape.tokens_per_run <= shape.window && shape.context > shape.window / 2);
  SPATTEN_CHECK(shape.context + shape.window / 2 <= model_->config().max_positions);
}

RunOptions DecoderWorkload::options() const {
  RunOptions out;
  out.threads = how_.threads;
  out.policy = how_.policy ? &*how_.policy : nullptr;
  return out;
}

void DecoderWorkload::extend(std::size_t tokens) {
  Decoder* const sequence[] = {&*decoder_};
  const std::vector<std::int32_t> ids[] = {random_tokens(tokens, model_->config().vocab, decoder_->length())};
  model_->extend(sequence, ids, options());
}

void DecoderWorkload::prepare() {
  const std::size_t first = shape_.context - shape_.window / 2, last = shape_.context + shape_.window / 2;
  if (decoder_ && decoder_->length() + shape_.tokens_per_run <= last) return;
  decoder_ = model_->start(options());
  extend(first);
}

void DecoderWorkload::run() {
  const Work before = decoder_->report().work;
  for (std::size_t i = 0; i < shape_.tokens_per_run; ++i) extend(1);
  work_.ops_executed = decoder_->report().work.ops_executed - before.ops_executed;
  work_.kv_bytes_read = decoder_->report().work.kv_bytes_read - before.kv_bytes_read;
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Forward passes of an encoder and decoding steps of a decoder, one sequence of random tokens at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "spatten/algo/policy.h"
#include "spatten/model/bert.h"
#include "spatten/model/gpt2.h"
#include "spatten/model/tokenizer/encoding.h"
#include "spatten/study/workload.h"

namespace spatten {

/// What a run of a model needs besides the model. No policy: dense.
struct ModelRun {
  ThreadPool* threads = nullptr;
  std::optional<algo::Policy> policy;
};

/// One sequence through the blocks, `passes` times; a unit is a pass. `tokens` is at most the model's limit.
class EncoderWorkload final : public Workload {
 public:
  EncoderWorkload(std::shared_ptr<const Bert> model, std::size_t tokens, std::size_t passes, ModelRun how);

  void run() override;
  double units() const override { return static_cast<double>(passes_); }
  double operations() const override { return static_cast<double>(work_.ops_executed); }
  /// Of one pass.
  const Work& work() const { return work_; }

 private:
  std::shared_ptr<const Bert> model_;
  Encoding tokens_;
  std::size_t passes_;
  ModelRun how_;
  Work work_;
};

/// `tokens_per_run` tokens, one after the other, at a context that stays near `context`; a unit is a token. The context
/// grows with every run until it has left the window, then a new prompt starts it again, outside the measured time.
class DecoderWorkload final : public Workload {
 public:
  struct Shape {
    std::size_t context = 128;        // in the middle of the window
    std::size_t window = 64;          // contexts from context - window / 2 to context + window / 2
    std::size_t tokens_per_run = 8;
  };

  /// context + window / 2 is at most the model's limit, and above window / 2.
  DecoderWorkload(std::shared_ptr<const Gpt2> model, Shape shape, ModelRun how);

  void prepare() override;
  void run() override;
  double units() const override { return static_cast<double>(shape_.tokens_per_run); }
  double operations() const override { return per_token(work_.ops_executed); }
  /// The weights of all layers and of the LM head, and the living rows of K and V.
  double read_bytes() const override { return weight_bytes_ + per_token(work_.kv_bytes_read); }
  /// Tokens fed so far.
  std::size_t length() const { return decoder_ ? decoder_->length() : 0; }

 private:
  RunOptions options() const;
  void extend(std::size_t tokens);
  double per_token(std::uint64_t count) const { return static_cast<double>(count) / units(); }

  std::shared_ptr<const Gpt2> model_;
  Shape shape_;
  ModelRun how_;
  double weight_bytes_;
  std::optional<Decoder> decoder_;
  Work work_;  // of the last run
};

/// Bytes of a decoder's weights that every step reads: all but the position table and an untied embedding table.
double step_weight_bytes(const ModelConfig& config, std::size_t weight_bytes);

}  // namespace spatten

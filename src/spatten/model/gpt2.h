// SPDX-License-Identifier: Apache-2.0
// Family `gpt2` (Radford 2019): pre-norm causal blocks with a KV cache per sequence, LM head tied to the embeddings or not.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "spatten/base/matrix.h"
#include "spatten/layers/context.h"
#include "spatten/model/config.h"

namespace spatten {

class Checkpoint;
struct DecoderSequence;

/// One sequence being decoded: its KV cache and its pruning state. Made by Gpt2::start, advanced by Gpt2::extend. A pass
/// that throws after its inputs were checked (Cancelled, no memory) leaves its sequences half fed: they can still be looked
/// at, but extending them again is a Bug.
class Decoder {
 public:
  Decoder();
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  /// Tokens fed so far, evicted ones included.
  std::size_t length() const;
  /// Bytes that the K and V rows of all layers occupy now (allocated).
  std::size_t kv_bytes() const;
  /// The same for an unpruned fp32 cache of this length.
  std::size_t kv_bytes_dense() const;
  const RunReport& report() const;

 private:
  friend class Gpt2;
  std::unique_ptr<DecoderSequence> state_;
};

class Gpt2 {
 public:
  /// As for Bert.
  Gpt2(const Checkpoint& checkpoint, ThreadPool& threads);
  ~Gpt2();
  Gpt2(Gpt2&&) noexcept;
  Gpt2& operator=(Gpt2&&) noexcept;

  const ModelConfig& config() const;
  std::size_t weight_bytes() const;

  /// An empty sequence under `options.policy`, which must outlive it.
  Decoder start(const RunOptions& options) const;

  /// Feeds tokens to each sequence (1 or more each, all sequences in one call) and returns the logits after the last token
  /// of each, sequences x vocab. A call with several tokens is a prompt pass (summarization), with one token an
  /// iteration of generation. Throws Error when a sequence would pass max_positions; nothing has changed then. A trace
  /// holds one sequence after the other, so with a sink there must be one only.
  OwnedMatrix<float> extend(std::span<Decoder* const> sequences, std::span<const std::vector<std::int32_t>> tokens,
                            const RunOptions& options) const;

  /// Logits at every position of one prompt pass, tokens x vocab; the cache is filled as by extend.
  OwnedMatrix<float> extend_all_logits(Decoder& sequence, std::span<const std::int32_t> tokens,
                                       const RunOptions& options) const;

 private:
  struct Weights;
  std::unique_ptr<Weights> weights_;
};

}  // namespace spatten

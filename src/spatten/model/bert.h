// SPDX-License-Identifier: Apache-2.0
// Family `bert` (Devlin 2019): embeddings, post-norm encoder blocks, optional pooler and task heads. Runs ragged batches
// in one call: the rows of all sequences stand under each other, no padding.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "spatten/base/matrix.h"
#include "spatten/layers/context.h"
#include "spatten/model/config.h"
#include "spatten/model/tokenizer/tokenizer.h"

namespace spatten {

class Checkpoint;

/// Last hidden states of a batch. Row `offsets[s] + i` is token i of sequence s; a pruned token keeps the state that it
/// had when it left (decision G.11), so that token-level heads still answer for it.
struct EncoderOutput {
  OwnedMatrix<float> hidden;          // total tokens x hidden
  std::vector<std::size_t> offsets;   // sequences + 1
  std::vector<RunReport> reports;     // per sequence
};

class Bert {
 public:
  /// Reads and packs the weights at the checkpoint's precision; throws Error with the tensor's name when one is missing or wrong.
  Bert(const Checkpoint& checkpoint, ThreadPool& threads);
  ~Bert();
  Bert(Bert&&) noexcept;
  Bert& operator=(Bert&&) noexcept;

  const ModelConfig& config() const;
  /// Bytes of the weights in memory, without padding.
  std::size_t weight_bytes() const;

  /// Encodes token ids (each sequence 1 .. max_positions tokens; longer ones throw Error naming the limit).
  EncoderOutput encode(std::span<const Encoding> batch, const RunOptions& options) const;

  /// tanh(dense(first token)) for `rows` (n x hidden); throws Error when the checkpoint has no pooler.
  OwnedMatrix<float> pool(ConstMatrix first_tokens, const RunOptions& options) const;
  /// classifier logits, n x labels, on pooled rows.
  OwnedMatrix<float> classify(ConstMatrix pooled, const RunOptions& options) const;
  /// start and end logits, n x 2, for token rows.
  OwnedMatrix<float> spans(ConstMatrix hidden, const RunOptions& options) const;
  /// vocabulary logits, n x vocab, for token rows (masked LM head).
  OwnedMatrix<float> vocabulary(ConstMatrix hidden, const RunOptions& options) const;

 private:
  struct Weights;
  std::unique_ptr<Weights> weights_;
};

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Attention of one (sequence, head) in a layer, from the projected Q, K, V (or the cache) to its columns of Pass::context
// and the evidence for cascade, counters and trace. Two arithmetics with one interface: FloatHeads runs the fused kernels
// in fp32, ChipHeads the 12-bit datapath of the chip as algo/fixed_attention.h has it. run() may be called for different
// heads at once, each caller with its own `worker` number.
#pragma once

#include <cstdint>
#include <vector>

#include "spatten/kernels/packed_rows.h"
#include "spatten/kernels/quantized_attention.h"
#include "spatten/layers/attention_record.h"
#include "spatten/layers/block.h"

namespace spatten {

/// The keys that a sequence attends to in this layer.
struct Keys {
  std::vector<std::uint32_t> tokens;      // original positions, ascending
  std::vector<std::uint32_t> cache_rows;  // of the cache; empty: all of its rows
};

/// What both arithmetics share: where the operands lie and what the cascade asks for.
class LayerHeads {
 protected:
  LayerHeads(const Block& block, Pass& pass) : block_(block), pass_(pass), quantization_(pass.quantization()) {}

  /// Everything but value_keeps.
  HeadOperands operands(const PassSequence& s, const Keys& keys, std::uint32_t head) const;
  void show(HeadOperands operands, std::span<const std::uint32_t> value_keeps) const;

  /// Q (section 0), K (1) or V (2) of this pass.
  Matrix qkv_columns(const PassSequence& s, std::size_t section, std::uint32_t head) const;
  Matrix context_columns(const PassSequence& s, std::uint32_t head) const;
  /// Null for an encoder.
  const KvCache* cache(const PassSequence& s) const;

  /// Makes room for what the cascade wants to see of a head.
  void prepare(const PassSequence& s, const Keys& keys, HeadEvidence& out) const;
  /// Local value pruning: how many V each query reads, and the most of them in `out.values`; empty: all that it sees.
  std::vector<std::uint32_t> value_keeps(const PassSequence& s, const Keys& keys, HeadEvidence& out) const;

  const Block& block_;
  Pass& pass_;
  algo::QuantizationPolicy quantization_;
};

class FloatHeads : LayerHeads {
 public:
  FloatHeads(const Block& block, Pass& pass);
  void run(const PassSequence& s, const Keys& keys, std::uint32_t head, std::size_t worker, HeadEvidence& out);

 private:
  /// Rows of K and V that a pass without a cache quantises on the way; one per worker.
  struct Scratch {
    OwnedMatrix<float> q;
    kernels::PackedRows k, v;
  };
  void fill_task(const PassSequence& s, const Keys& keys, std::uint32_t head, HeadEvidence& out,
                 kernels::AttentionTask& task) const;
  void quantize_q(kernels::AttentionTask& task, Scratch& scratch) const;
  const kernels::PackedRows& packed(ConstMatrix rows, kernels::PackedRows& out) const;
  void choose_operands(const PassSequence& s, std::uint32_t head, Scratch& scratch,
                       kernels::QuantizedAttentionHead& task) const;
  void norms(const PassSequence& s, const Keys& keys, std::uint32_t head, const Scratch& scratch,
             std::vector<float>& out) const;

  std::vector<Scratch> scratch_;
};

class ChipHeads : LayerHeads {
 public:
  ChipHeads(const Block& block, Pass& pass);
  void run(const PassSequence& s, const Keys& keys, std::uint32_t head, std::size_t worker, HeadEvidence& out) const;

 private:
  std::size_t k_bytes_, k_lsb_bytes_, v_bytes_;  // of one stored row
};

}  // namespace spatten

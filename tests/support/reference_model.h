// SPDX-License-Identifier: Apache-2.0
// BERT and GPT-2 around the reference blocks: embeddings, passes, LM head. Weights are read from a checkpoint.
#pragma once

#include <string>
#include <vector>

#include "spatten/model/cascade_flags.h"
#include "support/reference_blocks.h"

namespace spatten::reference {

// ---------------------------------------------------------------- BERT

struct Encoded {
  std::vector<Vector> hidden;  // per token; a pruned token has the state in which it left
  Account account;
};

class Encoder {
 public:
  explicit Encoder(const Checkpoint& c)
      : words_(read_table(c, "embeddings.word_embeddings.weight")),
        positions_(read_table(c, "embeddings.position_embeddings.weight")),
        types_(read_table(c, "embeddings.token_type_embeddings.weight")),
        norm_(read_norm(c, "embeddings.LayerNorm")),
        layers_(c.config().layers),
        blocks_(c.config(), read_blocks(c)) {}

  Encoded encode(const Encoding& tokens, const algo::Policy& policy, std::uint64_t seed = 1) const {
    Encoded out;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      Vector x = words_[static_cast<std::size_t>(tokens.ids[i])];
      x += positions_[i];
      x += types_[static_cast<std::size_t>(tokens.type_ids[i])];
      out.hidden.push_back(norm_(x));
    }
    algo::CascadeState cascade(policy, blocks_.shape(), cascade_flags(tokens), seed);
    std::vector<Cache> keys(layers_);
    blocks_.run({policy, 0, true}, out.hidden, keys, cascade, out.account);
    return out;
  }

 private:
  static std::vector<Block> read_blocks(const Checkpoint& c) {
    std::vector<Block> blocks;
    for (std::uint32_t l = 0; l < c.config().layers; ++l) {
      const std::string at = fmt::format("encoder.layer.{}.", l), self = at + "attention.self.";
      blocks.push_back({read_linear(c, self + "query"), read_linear(c, self + "key"), read_linear(c, self + "value"),
                        read_linear(c, at + "attention.output.dense"), read_linear(c, at + "intermediate.dense"),
                        read_linear(c, at + "output.dense"), read_norm(c, at + "attention.output.LayerNorm"),
                        read_norm(c, at + "output.LayerNorm")});
    }
    return blocks;
  }

  std::vector<Vector> words_, positions_, types_;
  Norm norm_;
  std::size_t layers_;
  BlockStack blocks_;
};

// ---------------------------------------------------------------- GPT-2

class Decoder {
 public:
  Decoder(const Checkpoint& c, const algo::Policy& policy, std::uint64_t seed = 1)
      : policy_(policy),
        words_(read_table(c, "wte.weight")),
        head_(c.has("lm_head.weight") ? read_table(c, "lm_head.weight") : words_),
        positions_(read_table(c, "wpe.weight")),
        norm_(read_norm(c, "ln_f")),
        blocks_(c.config(), read_blocks(c)),
        caches_(c.config().layers),
        cascade_(policy_, blocks_.shape(), {}, seed) {}

  /// Logits of every new token: a prompt pass, or an iteration when it is one token and not the first.
  std::vector<Vector> extend(const std::vector<std::int32_t>& ids) {
    const auto first = static_cast<std::uint32_t>(cascade_.length());
    const bool generation = ids.size() == 1 && first > 0;
    if (generation) {
      begin_iteration();
    } else {
      cascade_.begin_prompt(std::vector<std::uint8_t>(ids.size(), 0));
    }
    const algo::TokenPolicy& rule = policy_.token;
    const bool prunes = generation ? rule.generation && iterations_ > rule.first_iteration : rule.prompt;
    std::vector<Vector> states;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      states.push_back(words_[static_cast<std::size_t>(ids[i])]);
      states.back() += positions_[first + i];
    }
    blocks_.run({policy_, first, prunes}, states, caches_, cascade_, account_);
    std::vector<Vector> logits;
    for (const Vector& state : states) {
      const Vector x = norm_(state);
      logits.emplace_back();
      for (const Vector& row : head_) logits.back().push_back(dot(x, row));
    }
    return logits;
  }

  const Account& account() const { return account_; }
  const algo::CascadeState& cascade() const { return cascade_; }
  /// Rows of K in a layer's cache.
  std::size_t cached_rows(std::size_t layer) const { return caches_[layer].size(); }
  /// Operations of the LM head on this many rows.
  std::uint64_t head_ops(std::uint64_t rows) const { return 2 * rows * head_.size() * head_[0].size(); }

 private:
  void begin_iteration() {
    ++iterations_;
    cascade_.append_token();
    std::vector<std::uint32_t> all;
    for (std::uint32_t token = 0; token < cascade_.length(); ++token) {
      if (cascade_.evicted_from()[token] > 0) all.push_back(token);
    }
    cascade_.begin_iteration();
    Margins& m = account_.margins;
    m.tokens = std::min(m.tokens, Margins::selection(all, cascade_.alive_tokens(), cascade_.token_scores()));
  }

  static std::vector<Block> read_blocks(const Checkpoint& c) {
    const std::size_t hidden = c.config().hidden;
    std::vector<Block> blocks;
    for (std::uint32_t l = 0; l < c.config().layers; ++l) {
      const std::string at = fmt::format("h.{}.", l);
      const Linear qkv = read_linear(c, at + "attn.c_attn");
      blocks.push_back({outputs_of(qkv, 0, hidden), outputs_of(qkv, hidden, hidden), outputs_of(qkv, 2 * hidden, hidden),
                        read_linear(c, at + "attn.c_proj"), read_linear(c, at + "mlp.c_fc"),
                        read_linear(c, at + "mlp.c_proj"), read_norm(c, at + "ln_1"), read_norm(c, at + "ln_2")});
    }
    return blocks;
  }

  algo::Policy policy_;
  std::vector<Vector> words_, head_, positions_;
  Norm norm_;
  BlockStack blocks_;
  std::vector<Cache> caches_;
  algo::CascadeState cascade_;
  std::uint32_t iterations_ = 0;
  Account account_;
};

}  // namespace spatten::reference

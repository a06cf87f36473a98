// SPDX-License-Identifier: Apache-2.0
// The cascade (HPCA'21 III-A, III-B, Alg. 2): which tokens and heads of one sequence are alive, layer by layer and pass
// by pass. Runtime and reference both follow this state machine and so cannot disagree.
//
//   encoder, first prompt:  CascadeState s(policy, shape, flags);
//   further prompt tokens:  s.begin_prompt(flags_of_new_tokens);
//   one generated token:    s.append_token(flag); s.begin_iteration();
//   every pass:             for each layer { for each alive head { attention; s.observe(...); }  s.end_layer(layer); }
//
// Token ids are original positions. A pruned token never returns within a pass. In a decoder it returns in the next
// iteration unless eviction is permanent, or it was pruned in a prompt pass: then its K and V of later layers do not
// exist, and evicted_from() says so.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "spatten/algo/head_importance.h"
#include "spatten/algo/importance/importance.h"
#include "spatten/algo/observation.h"
#include "spatten/algo/policy.h"
#include "spatten/algo/schedule.h"

namespace spatten::algo {

/// Bits that mark a token.
enum TokenFlag : std::uint8_t { kClsToken = 1, kSepToken = 2, kSpecialToken = 4 };

/// What end_layer() removed. Positions index the lists that were alive before it, ascending.
struct LayerDecision {
  std::vector<std::uint32_t> kept_positions;  // of alive_tokens()
  bool tokens_changed = false;
  std::vector<std::uint32_t> kept_heads;           // head ids
  std::vector<std::uint32_t> kept_head_positions;  // of alive_heads()
  bool heads_changed = false;
};

class CascadeState {
 public:
  /// Starts the first pass over `flags.size()` tokens (one byte of TokenFlag bits each, 0 tokens allowed for a
  /// decoder). Throws Error when the policy does not fit the model (see resolve()).
  CascadeState(const Policy& policy, const ModelShape& shape, std::span<const std::uint8_t> flags,
               std::uint64_t seed = 1);
  ~CascadeState();
  CascadeState(CascadeState&&) noexcept;
  CascadeState& operator=(CascadeState&&) noexcept;

  /// What observe() will read.
  ObservationNeeds needs() const;
  /// Which query row is the probe, of `rows` in this pass: [CLS] (else the first) in an encoder, the last in a decoder.
  std::size_t probe_row(std::size_t rows) const;

  /// Adds one head's evidence; heads of a layer in ascending order, before end_layer().
  void observe(const HeadObservation& observation);
  /// Prunes what enters layer + 1; after the last layer nothing changes.
  LayerDecision end_layer(std::uint32_t layer);

  /// Decoder: one more token; follow with begin_iteration().
  void append_token(std::uint8_t flags = 0);
  /// Decoder: starts a pass whose only query is the newest token.
  void begin_iteration();
  /// Decoder: appends tokens and starts a prompt pass whose queries they are.
  void begin_prompt(std::span<const std::uint8_t> flags);

  /// Ids of the tokens alive in the layer at hand, ascending.
  const std::vector<std::uint32_t>& alive_tokens() const { return alive_; }
  const std::vector<std::uint32_t>& alive_heads() const { return heads_; }
  /// Tokens of the sequence, evicted ones included.
  std::size_t length() const { return flags_.size(); }
  /// Per token: first layer whose K and V are gone for good (layers: none). A cache of layer l may drop tokens
  /// with evicted_from()[token] <= l.
  std::span<const std::uint32_t> evicted_from() const { return evicted_from_; }

  /// Keep counts of the pass at hand.
  const Schedule& schedule() const { return schedule_; }
  /// V to keep in a row of this layer that sees `visible_keys` keys.
  std::uint32_t value_count(std::uint32_t layer, std::size_t visible_keys) const;

  /// Importance per token id; tokens that were never observed have 0.
  std::span<const double> token_scores() const;
  std::span<const double> head_scores() const { return head_importance_.scores(); }

 private:
  enum class Pass { kEncoder, kPrompt, kIteration };

  void add_tokens(std::span<const std::uint8_t> flags);
  void start_pass(Pass pass);
  ActiveCascades active_cascades() const;
  bool is_protected(std::uint32_t token, std::size_t newest) const;
  std::size_t protected_newest(std::uint32_t budget) const;
  bool pruned_for_good() const;
  std::vector<std::uint32_t> choose_tokens(std::uint32_t layer) const;
  void keep_tokens(const std::vector<std::uint32_t>& positions, std::uint32_t layer);

  Policy policy_;
  ModelShape shape_;
  std::unique_ptr<TokenImportance> importance_;
  HeadImportance head_importance_;
  Schedule schedule_;
  std::vector<std::uint32_t> value_budgets_;
  Pass pass_ = Pass::kEncoder;
  std::uint32_t layer_ = 0;       // layer at hand
  std::uint32_t iterations_ = 0;  // iterations of generation begun
  std::vector<std::uint8_t> flags_;
  std::vector<std::uint32_t> evicted_from_;
  std::vector<std::uint32_t> alive_, heads_;
};

}  // namespace spatten::algo

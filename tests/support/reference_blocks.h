// SPDX-License-Identifier: Apache-2.0
// Transformer blocks with the whole of SpAtten, slow and readable, in double precision: the pseudo-code of the paper
// (HPCA'21 Alg. 2) around algo's attend_head() and CascadeState. Tokens are addressed by their position, states of pruned
// tokens stay where they are, caches are lists of rows. It counts its own work. The runtime must agree with all of it.
#pragma once

#include <set>
#include <vector>

#include "spatten/algo/cascade.h"
#include "spatten/algo/quantizer.h"
#include "spatten/algo/reference.h"
#include "spatten/algo/schedule.h"
#include "spatten/layers/work.h"
#include "support/reference_margins.h"
#include "support/reference_math.h"

namespace spatten::reference {

/// What a pass did; the runtime reports the same things.
struct Account {
  std::vector<std::vector<std::uint32_t>> survivors, heads;     // per layer, what entered it
  std::vector<Vector> layer_scores;                             // per layer, after it
  std::vector<std::uint64_t> layer_ops, layer_ops_dense;        // per layer, over all passes
  std::vector<std::vector<std::uint32_t>> values_kept;          // per (layer, head) of the last pass: per row
  Work work;
  Margins margins;
};

struct Block {
  Linear q, k, v, output, up, down;
  Norm attention_norm, ffn_norm;
};

struct CachedRow {
  std::uint32_t token;
  Vector k, v;  // all heads
};
using Cache = std::vector<CachedRow>;

struct PassInput {
  const algo::Policy& policy;
  std::uint32_t first_token;  // position of the first token of the pass
  bool tokens_active;         // tokens may be pruned in it
};

/// What both families share: one pass of new tokens through the blocks.
class BlockStack {
 public:
  BlockStack(const ModelConfig& config, std::vector<Block> blocks)
      : config_(config), causal_(config.family == Family::kGpt2), blocks_(std::move(blocks)) {}

  /// `states`: one Vector per token of the pass; `caches`: one list per layer.
  void run(const PassInput& input, std::vector<Vector>& states, std::vector<Cache>& caches, algo::CascadeState& cascade,
           Account& account) const {
    account.survivors.clear();
    account.heads.clear();
    account.layer_scores.clear();
    account.values_kept.clear();
    account.layer_ops.resize(config_.layers);
    account.layer_ops_dense.resize(config_.layers);
    const std::vector<std::uint32_t> budgets = algo::value_token_budgets(
        input.policy, shape(), cascade.length(), input.policy.token_pruning() && input.tokens_active);
    for (std::uint32_t l = 0; l < config_.layers; ++l) {
      run_layer({input.policy, l, input.first_token, budgets[l]}, states, caches[l], cascade, account);
    }
  }

  algo::ModelShape shape() const { return {config_.layers, config_.heads, config_.head_dim, config_.max_positions, causal_}; }

 private:
  struct Place {
    const algo::Policy& policy;
    std::uint32_t layer, first_token, value_budget;
  };
  using Ids = std::vector<std::uint32_t>;

  void run_layer(const Place& at, std::vector<Vector>& states, Cache& cache, algo::CascadeState& cascade,
                 Account& account) const {
    const Block& block = blocks_[at.layer];
    const Ids heads = cascade.alive_heads();
    std::erase_if(cache, [&](const CachedRow& row) { return cascade.evicted_from()[row.token] <= at.layer; });

    // Q, K and V of the queries: the living tokens of this pass.
    Ids queries;
    std::vector<Vector> q, context;
    for (const std::uint32_t token : cascade.alive_tokens()) {
      if (token < at.first_token) continue;
      const Vector& state = states[token - at.first_token];
      const Vector input = causal_ ? block.attention_norm(state) : state;
      queries.push_back(token);
      q.push_back(block.q(input));
      context.emplace_back(config_.hidden, 0.0);
      cache.push_back({token, block.k(input), block.v(input)});
    }
    Cache keys;
    Ids key_tokens;
    for (const CachedRow& row : cache) {
      if (!std::binary_search(cascade.alive_tokens().begin(), cascade.alive_tokens().end(), row.token)) continue;
      keys.push_back(row);
      key_tokens.push_back(row.token);
    }
    account.survivors.push_back(key_tokens);
    account.heads.push_back(heads);

    for (const std::uint32_t head : heads) attend(at, head, q, keys, key_tokens, context, cascade, account);
    count_layer_start(at, heads.size(), queries.size(), states.size(), cascade.length(), account);

    const Ids before = cascade.alive_tokens();
    cascade.end_layer(at.layer);
    note_decision(before, heads, cascade, account);

    std::size_t finished = 0;
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const bool alive = std::binary_search(cascade.alive_tokens().begin(), cascade.alive_tokens().end(), queries[i]);
      if (at.policy.token.point == algo::PrunePoint::kAfterAttention && !alive) continue;
      finish_token(block, context[i], states[queries[i] - at.first_token]);
      ++finished;
    }
    count_layer_end(at, heads.size(), finished, states.size(), account);
  }

  void attend(const Place& at, std::uint32_t head, const std::vector<Vector>& q, const Cache& keys, const Ids& key_tokens,
              std::vector<Vector>& context, algo::CascadeState& cascade, Account& account) const {
    const std::size_t dim = config_.head_dim;
    const auto columns = [&](std::size_t rows, auto&& row_of) {
      OwnedMatrix<float> out(rows, dim);
      for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t d = 0; d < dim; ++d) out(r, d) = static_cast<float>(row_of(r)[head * dim + d]);
      }
      return out;
    };
    const OwnedMatrix<float> qh = columns(q.size(), [&](std::size_t r) -> const Vector& { return q[r]; });
    const OwnedMatrix<float> kh = columns(keys.size(), [&](std::size_t r) -> const Vector& { return keys[r].k; });
    const OwnedMatrix<float> vh = columns(keys.size(), [&](std::size_t r) -> const Vector& { return keys[r].v; });

    const algo::AttentionSetting setting{at.policy.quantization, at.policy.value, at.value_budget, causal_};
    const algo::HeadResult result = algo::attend_head(qh.view(), kh.view(), vh.view(), setting);
    for (std::size_t r = 0; r < q.size(); ++r) {
      std::copy(result.rows[r].out.begin(), result.rows[r].out.end(),
                context[r].begin() + static_cast<std::ptrdiff_t>(head * dim));
    }
    observe(at, head, result, value_norms(vh.view(), at.policy.quantization), key_tokens, cascade);
    count_head(at, result, keys.size(), account);
    note_margins(qh.view(), kh.view(), vh.view(), setting, result, account.margins);
  }

  /// Norms of V as it is stored.
  static std::vector<float> value_norms(ConstMatrix v, const algo::QuantizationPolicy& bits) {
    const bool packed = bits.value_bits > 0;
    algo::QuantizedMatrix quantized;
    if (packed) quantized = algo::quantize(v, bits.value_bits, bits.granularity);
    std::vector<float> norms;
    for (std::size_t r = 0; r < v.rows; ++r) {
      double squares = 0;
      for (std::size_t d = 0; d < v.cols; ++d) {
        const double x = packed ? quantized.value(r, d) : v(r, d);
        squares += x * x;
      }
      norms.push_back(static_cast<float>(std::sqrt(squares)));
    }
    return norms;
  }

  static void observe(const Place& at, std::uint32_t head, const algo::HeadResult& result, const std::vector<float>& norms,
                      const Ids& key_tokens, algo::CascadeState& cascade) {
    const std::vector<float> sums(result.column_sums.begin(), result.column_sums.end());
    const std::vector<double>& probe = result.rows[cascade.probe_row(result.rows.size())].probabilities;
    std::vector<float> probe_row(probe.begin(), probe.end());
    probe_row.resize(key_tokens.size());  // keys that a causal probe does not see
    algo::HeadObservation o;
    o.layer = at.layer;
    o.head = head;
    o.rows = static_cast<std::uint32_t>(result.rows.size());
    o.keys = key_tokens;
    o.column_sums = sums;
    o.probe_row = probe_row;
    o.value_norms = norms;
    o.out_magnitude = result.out_magnitude;
    cascade.observe(o);
  }

  /// x becomes the token's state after output projection and feed-forward.
  void finish_token(const Block& block, const Vector& context, Vector& x) const {
    x += block.output(context);
    if (!causal_) x = block.attention_norm(x);
    Vector inner = block.up(causal_ ? block.ffn_norm(x) : x);
    for (double& v : inner) v = activate(config_.activation, v);
    x += block.down(inner);
    if (!causal_) x = block.ffn_norm(x);
  }

  // ---- margins

  static void note_margins(ConstMatrix q, ConstMatrix k, ConstMatrix v, algo::AttentionSetting setting,
                           const algo::HeadResult& result, Margins& margins) {
    for (const algo::RowResult& row : result.rows) margins.note_values(row);
    if (!setting.quantization.progressive() || setting.quantization.threshold == 0) return;
    const double theta = setting.quantization.threshold;
    setting.quantization.threshold = 0;
    for (const algo::RowResult& row : algo::attend_head(q, k, v, setting).rows) margins.note_threshold(row, theta);
  }

  static void note_decision(const Ids& tokens, const Ids& heads, const algo::CascadeState& cascade, Account& account) {
    Margins& m = account.margins;
    m.tokens = std::min(m.tokens, Margins::selection(tokens, cascade.alive_tokens(), cascade.token_scores()));
    m.heads = std::min(m.heads, Margins::selection(heads, cascade.alive_heads(), cascade.head_scores()));
    account.layer_scores.emplace_back(cascade.token_scores().begin(), cascade.token_scores().end());
  }

  // ---- work, a multiply-add is two operations

  static void add_ops(Account& account, std::uint32_t layer, std::uint64_t executed, std::uint64_t dense) {
    account.work.ops_executed += executed;
    account.work.ops_dense_equivalent += dense;
    account.layer_ops[layer] += executed;
    account.layer_ops_dense[layer] += dense;
  }

  /// Projections of Q, K, V, and what dense attention would have taken. K and V of a cache exist for all heads.
  void count_layer_start(const Place& at, std::uint64_t heads, std::uint64_t queries, std::uint64_t new_tokens,
                         std::uint64_t length, Account& account) const {
    const std::uint64_t all = config_.heads, d = config_.head_dim, hidden = config_.hidden;
    const std::uint64_t columns = (causal_ ? heads + 2 * all : 3 * heads) * d;
    add_ops(account, at.layer, 2 * queries * hidden * columns, 2 * new_tokens * hidden * 3 * hidden);
    std::uint64_t pairs = 0;
    for (std::uint64_t i = 0; i < new_tokens; ++i) pairs += causal_ ? length - new_tokens + i + 1 : length;
    add_ops(account, at.layer, 0, 2 * all * pairs * d * 2);
    account.work.kv_bytes_dense += 2 * all * length * d * 4;
  }

  void count_layer_end(const Place& at, std::uint64_t heads, std::uint64_t rows, std::uint64_t new_tokens,
                       Account& account) const {
    const std::uint64_t hidden = config_.hidden, ffn = config_.ffn;
    add_ops(account, at.layer, 2 * rows * heads * config_.head_dim * hidden, 2 * new_tokens * hidden * hidden);
    add_ops(account, at.layer, 2 * rows * 2 * hidden * ffn, 2 * new_tokens * 2 * hidden * ffn);
  }

  /// Bytes of one row of K or V; stored widths are 4, 6, 8, 10 and 12.
  std::uint64_t row_bytes(std::uint32_t bits) const {
    return bits == 0 ? config_.head_dim * sizeof(float) : config_.head_dim * ((bits + 1) / 2 * 2) / 8;
  }

  void count_head(const Place& at, const algo::HeadResult& result, std::uint64_t keys, Account& account) const {
    const algo::QuantizationPolicy& bits = at.policy.quantization;
    std::uint64_t pairs = 0, value_pairs = 0, recomputed = 0;
    std::set<std::uint32_t> values;
    Ids kept;
    for (const algo::RowResult& row : result.rows) {
      pairs += row.probabilities.size() * (row.used_lsb ? 2 : 1);
      value_pairs += row.kept_values.size();
      recomputed += row.used_lsb ? 1 : 0;
      values.insert(row.kept_values.begin(), row.kept_values.end());
      kept.push_back(static_cast<std::uint32_t>(row.kept_values.size()));
    }
    account.values_kept.push_back(kept);
    const std::uint64_t ops = 2 * (pairs + value_pairs) * config_.head_dim;
    add_ops(account, at.layer, ops, 0);
    account.work.attention_ops_executed += ops;
    account.work.rows += result.rows.size();
    account.work.lsb_rows += recomputed;
    const std::uint32_t first_bits = bits.progressive() ? bits.msb_bits : bits.stored_key_bits();
    account.work.kv_bytes_read += keys * row_bytes(first_bits) + values.size() * row_bytes(bits.value_bits);
    if (recomputed > 0) account.work.kv_bytes_read += keys * row_bytes(bits.lsb_bits);
  }

  ModelConfig config_;
  bool causal_;
  std::vector<Block> blocks_;
};

}  // namespace spatten::reference

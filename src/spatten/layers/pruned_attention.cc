// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/pruned_attention.h"

#include <algorithm>
#include <numeric>

#include "spatten/kernels/quantized_attention.h"
#include "spatten/kernels/vector_ops.h"
#include "spatten/layers/attention_record.h"
#include "spatten/layers/quantization.h"

namespace spatten {
namespace {

std::vector<std::uint32_t> all_heads(std::uint32_t heads) {
  std::vector<std::uint32_t> out(heads);
  std::iota(out.begin(), out.end(), 0u);
  return out;
}

std::vector<std::uint32_t> living_heads(const PassSequence& s, std::uint32_t heads) {
  return s.cascade == nullptr ? all_heads(heads) : s.cascade->alive_heads();
}

// ---------------------------------------------------------------- projections

/// Panels of Q, K and V that these heads need. A decoder's K and V are projected for all heads, since a head that is
/// pruned now may be alive in a later iteration and then reads this token (docs/deviations.md).
std::vector<std::uint32_t> qkv_panels(const Block& block, const std::vector<std::uint32_t>& heads, bool cached) {
  const std::size_t width = block.qkv.weight.panel_width(), per_head = block.shape.head_dim / width;
  std::vector<std::uint32_t> out;
  for (std::uint32_t section = 0; section < 3; ++section) {
    const std::vector<std::uint32_t> wanted = cached && section > 0 ? all_heads(block.shape.heads) : heads;
    for (const std::uint32_t h : wanted) {
      const std::size_t first = (section * block.shape.hidden + h * block.shape.head_dim) / width;
      for (std::size_t p = 0; p < per_head; ++p) out.push_back(static_cast<std::uint32_t>(first + p));
    }
  }
  return out;
}

/// Calls run(first sequence, count) for neighbouring sequences that share a set of heads.
template <class F>
void for_equal_heads(const std::vector<std::vector<std::uint32_t>>& heads, F&& run) {
  for (std::size_t s = 0; s < heads.size();) {
    std::size_t end = s + 1;
    while (end < heads.size() && heads[end] == heads[s]) ++end;
    run(s, end - s);
    s = end;
  }
}

struct RowRange {
  std::size_t first, rows;
};

RowRange rows_of(const Pass& pass, std::size_t first, std::size_t count) {
  const PassSequence& a = pass.sequences[first];
  const PassSequence& b = pass.sequences[first + count - 1];
  return {a.first_row, b.first_row + b.rows - a.first_row};
}

void project_qkv(const Block& block, ConstMatrix input, const std::vector<std::vector<std::uint32_t>>& heads, Pass& pass) {
  const BlockShape& shape = block.shape;
  for_equal_heads(heads, [&](std::size_t first, std::size_t count) {
    const RowRange range = rows_of(pass, first, count);
    const bool cached = pass.sequences[first].caches != nullptr;
    std::vector<std::uint32_t> panels;
    if (heads[first].size() < shape.heads) panels = qkv_panels(block, heads[first], cached);
    kernels::LinearArgs args;
    args.x = input.rows_from(range.first, range.rows);
    args.w = &block.qkv.weight;
    args.bias = block.qkv.bias_or_null();
    args.y = pass.qkv.view().rows_from(range.first, range.rows);
    args.out_panels = panels;
    kernels::linear(args, *pass.gemm, pass.threads());
    const std::size_t computed = panels.empty() ? 3 * shape.hidden : panels.size() * block.qkv.weight.panel_width();
    for (std::size_t s = first; s < first + count; ++s) {
      add_linear_work(pass.sequences[s], shape, matmul_ops(pass.sequences[s].rows, shape.hidden, computed),
                      3 * shape.hidden * shape.hidden);
    }
  });
}

// ---------------------------------------------------------------- keys

/// The keys that a sequence attends to in this layer.
struct Keys {
  std::vector<std::uint32_t> tokens;      // original positions, ascending
  std::vector<std::uint32_t> cache_rows;  // of the cache; empty: all of its rows
};

/// Drops the rows of tokens that were evicted for good at or before this layer.
void evict(const algo::CascadeState& cascade, std::uint32_t layer, KvCache& cache) {
  const std::span<const std::uint32_t> evicted = cascade.evicted_from();
  std::vector<std::uint32_t> kept;
  for (std::size_t r = 0; r < cache.rows(); ++r) {
    if (evicted[cache.tokens()[r]] > layer) kept.push_back(static_cast<std::uint32_t>(r));
  }
  cache.keep(kept);
}

Keys choose_cached_keys(const PassSequence& s, const KvCache& cache) {
  Keys keys;
  if (s.cascade == nullptr) {
    keys.tokens = cache.tokens();
    return keys;
  }
  const std::vector<std::uint32_t>& alive = s.cascade->alive_tokens();
  auto a = alive.begin();
  for (std::size_t r = 0; r < cache.rows(); ++r) {
    const std::uint32_t token = cache.tokens()[r];
    while (a != alive.end() && *a < token) ++a;
    if (a == alive.end() || *a != token) continue;
    keys.tokens.push_back(token);
    keys.cache_rows.push_back(static_cast<std::uint32_t>(r));
  }
  if (keys.cache_rows.size() == cache.rows()) keys.cache_rows.clear();
  return keys;
}

Keys prepare_keys(const Block& block, Pass& pass, PassSequence& s) {
  if (s.caches == nullptr) return {s.row_tokens, {}};
  KvCache& cache = (*s.caches)[block.shape.layer];
  if (s.cascade != nullptr) evict(*s.cascade, block.shape.layer, cache);
  const Matrix rows = pass.qkv.view().rows_from(s.first_row, s.rows);
  const std::size_t hidden = block.shape.hidden;
  cache.append(rows.cols_from(hidden, hidden), rows.cols_from(2 * hidden, hidden), s.row_tokens);
  return choose_cached_keys(s, cache);
}

// ---------------------------------------------------------------- one head

/// Rows of K and V that a pass without a cache quantises on the way; one per worker.
struct HeadScratch {
  OwnedMatrix<float> q;
  kernels::PackedRows k, v;
};

class HeadRunner {
 public:
  HeadRunner(const Block& block, Pass& pass) : block_(block), pass_(pass), quantization_(pass.policy().quantization) {
    scratch_.resize(pass.threads().size());
    for (HeadScratch& s : scratch_) {
      if (quantization_.stored_key_bits() > 0) s.k = packed_key_rows(block.shape.head_dim, quantization_);
      if (quantization_.value_bits > 0) s.v = packed_value_rows(block.shape.head_dim, quantization_);
    }
  }

  void run(const PassSequence& s, const Keys& keys, std::uint32_t head, std::size_t worker, HeadEvidence& out) {
    kernels::QuantizedAttentionHead task;
    fill_task(s, keys, head, out, task);
    std::vector<std::uint32_t> value_keeps;
    choose_values(s, keys, task, value_keeps, out);
    HeadScratch& scratch = scratch_[worker];
    quantize_q(task, scratch);
    const KvCache* cache = s.caches == nullptr ? nullptr : &(*s.caches)[block_.shape.layer];
    choose_operands(s, head, cache, scratch, task);
    task.threshold = static_cast<float>(quantization_.threshold);
    if (quantization_.progressive()) {
      out.lsb_rows.assign(s.rows, 0);
      task.lsb_rows = out.lsb_rows.data();
    }
    kernels::attention_head(task, pass_.scratch[worker]);
    if (!out.value_norms.empty()) norms(s, keys, head, cache, scratch, out.value_norms);
  }

 private:
  Matrix qkv_columns(const PassSequence& s, std::size_t section, std::uint32_t head) const {
    return pass_.qkv.view()
        .rows_from(s.first_row, s.rows)
        .cols_from(section * block_.shape.hidden + head * block_.shape.head_dim, block_.shape.head_dim);
  }

  void fill_task(const PassSequence& s, const Keys& keys, std::uint32_t head, HeadEvidence& out,
                 kernels::AttentionTask& task) {
    const BlockShape& shape = block_.shape;
    task.q = qkv_columns(s, 0, head);
    task.out = pass_.context.view().rows_from(s.first_row, s.rows).cols_from(head * shape.head_dim, shape.head_dim);
    task.scale = shape.scale;
    task.causal = shape.causal;
    task.causal_offset = keys.tokens.size() - s.rows;
    task.key_rows = keys.cache_rows;
    task.counters = &out.counters;
    if (s.cascade == nullptr) return;
    const algo::ObservationNeeds needs = s.cascade->needs();
    if (needs.column_sums) {
      out.column_sums.assign(keys.tokens.size(), 0.0f);
      task.column_sums = out.column_sums.data();
    }
    if (needs.probe_row) {
      out.probe_row.assign(keys.tokens.size(), 0.0f);
      task.probe_row = s.cascade->probe_row(s.rows);
      task.probe_probabilities = out.probe_row.data();
    }
    if (needs.out_magnitude) task.magnitude = &out.magnitude;
    if (needs.value_norms) out.value_norms.assign(keys.tokens.size(), 0.0f);
  }

  /// Local value pruning: how many V rows each query keeps.
  void choose_values(const PassSequence& s, const Keys& keys, kernels::AttentionTask& task,
                     std::vector<std::uint32_t>& value_keeps, HeadEvidence& out) const {
    out.values = static_cast<std::uint32_t>(keys.tokens.size());
    if (s.cascade == nullptr || !pass_.policy().value_pruning()) return;
    out.values = s.cascade->value_count(block_.shape.layer, keys.tokens.size());
    if (!task.causal || s.rows == 1) {
      task.value_keep = out.values;
      return;
    }
    value_keeps.resize(s.rows);
    for (std::size_t r = 0; r < s.rows; ++r) {
      value_keeps[r] = s.cascade->value_count(block_.shape.layer, task.causal_offset + r + 1);
    }
    task.value_keeps = value_keeps;
  }

  void quantize_q(kernels::AttentionTask& task, HeadScratch& scratch) const {
    if (quantization_.query_bits == 0) return;
    const Matrix copy = scratch.q.resize(task.q.rows, task.q.cols);
    for (std::size_t r = 0; r < copy.rows; ++r) std::copy_n(task.q.row(r), copy.cols, copy.row(r));
    quantize_queries(copy, quantization_);
    task.q = copy;
  }

  const kernels::PackedRows& packed(ConstMatrix rows, kernels::PackedRows& out) const {
    out.truncate(0);
    append_quantized(rows, quantization_.granularity, out);
    return out;
  }

  /// K and V: packed or float, from the cache or from this pass.
  void choose_operands(const PassSequence& s, std::uint32_t head, const KvCache* cache, HeadScratch& scratch,
                       kernels::QuantizedAttentionHead& task) const {
    if (quantization_.stored_key_bits() > 0) {
      task.k = cache != nullptr ? &cache->packed_keys(head) : &packed(qkv_columns(s, 1, head), scratch.k);
    } else {
      task.k_float = cache != nullptr ? cache->keys(head) : ConstMatrix(qkv_columns(s, 1, head));
    }
    if (quantization_.value_bits > 0) {
      task.v_packed = cache != nullptr ? &cache->packed_values(head) : &packed(qkv_columns(s, 2, head), scratch.v);
    } else {
      task.v = cache != nullptr ? cache->values(head) : ConstMatrix(qkv_columns(s, 2, head));
    }
  }

  /// Norms of V as stored; `scratch.v` holds the packed rows of a pass without a cache.
  void norms(const PassSequence& s, const Keys& keys, std::uint32_t head, const KvCache* cache, const HeadScratch& scratch,
             std::vector<float>& out) const {
    std::vector<float> decoded(block_.shape.head_dim);
    for (std::size_t j = 0; j < keys.tokens.size(); ++j) {
      const std::size_t row = keys.cache_rows.empty() ? j : keys.cache_rows[j];
      ConstMatrix v;
      if (quantization_.value_bits > 0) {
        (cache != nullptr ? cache->packed_values(head) : scratch.v).decode_row(row, false, decoded.data());
        v = {decoded.data(), 1, decoded.size()};
      } else {
        v = (cache != nullptr ? cache->values(head) : ConstMatrix(qkv_columns(s, 2, head))).rows_from(row, 1);
      }
      kernels::row_norms(v, &out[j]);
    }
  }

  const Block& block_;
  Pass& pass_;
  const algo::QuantizationPolicy& quantization_;
  std::vector<HeadScratch> scratch_;
};

// ---------------------------------------------------------------- after the heads

void observe(const BlockShape& shape, PassSequence& s, const Keys& keys, std::uint32_t head, const HeadEvidence& e) {
  algo::HeadObservation o;
  o.layer = shape.layer;
  o.head = head;
  o.rows = static_cast<std::uint32_t>(s.rows);
  o.keys = keys.tokens;
  o.column_sums = e.column_sums;
  o.probe_row = e.probe_row;
  o.value_norms = e.value_norms;
  o.out_magnitude = e.magnitude;
  s.cascade->observe(o);
}

void add_head_work(PassSequence& s, const BlockShape& shape, const HeadEvidence& e) {
  const std::uint64_t ops = 2 * (e.counters.score_multiply_adds + e.counters.value_multiply_adds);
  Work& work = s.report->work;
  work.attention_ops_executed += ops;
  work.kv_bytes_read += e.counters.k_bytes + e.counters.v_bytes;
  work.rows += e.counters.rows;
  work.lsb_rows += e.counters.lsb_rows;
  add_layer_ops(s, shape.layer, ops, 0);
}

struct HeadJob {
  std::size_t sequence, head_index;
};

}  // namespace

LayerOutcome attend(const Block& block, ConstMatrix input, Pass& pass) {
  const BlockShape& shape = block.shape;
  LayerOutcome outcome;
  for (PassSequence& s : pass.sequences) outcome.heads.push_back(living_heads(s, shape.heads));
  project_qkv(block, input, outcome.heads, pass);

  std::vector<Keys> keys;
  std::vector<HeadJob> jobs;
  for (std::size_t i = 0; i < pass.sequences.size(); ++i) {
    keys.push_back(prepare_keys(block, pass, pass.sequences[i]));
    for (std::size_t h = 0; h < outcome.heads[i].size(); ++h) jobs.push_back({i, h});
  }
  std::vector<HeadEvidence> evidence(jobs.size());
  HeadRunner runner(block, pass);
  pass.threads().parallel_for(jobs.size(), [&](std::size_t j, std::size_t worker) {
    const std::size_t i = jobs[j].sequence;
    runner.run(pass.sequences[i], keys[i], outcome.heads[i][jobs[j].head_index], worker, evidence[j]);
  });

  // In job order and on this thread: scores, counters and trace do not depend on the number of threads.
  std::size_t job = 0;
  for (std::size_t i = 0; i < pass.sequences.size(); ++i) {
    PassSequence& s = pass.sequences[i];
    const bool record = pass.options->sink != nullptr;
    notice_layer(s, shape, pass.options->record_pruning, keys[i].tokens, outcome.heads[i]);
    add_dense_attention_work(s, shape);
    for (const std::uint32_t head : outcome.heads[i]) {
      const HeadEvidence& e = evidence[job++];
      if (s.cascade != nullptr) observe(shape, s, keys[i], head, e);
      add_head_work(s, shape, e);
      if (record) {
        s.records.push_back(make_record(s, shape, pass.policy(), head, keys[i].tokens, e));
      }
    }
    outcome.decisions.push_back(s.cascade == nullptr ? algo::LayerDecision{} : s.cascade->end_layer(shape.layer));
    notice_decision(s, shape, pass.options->record_pruning, outcome.decisions.back());
  }
  return outcome;
}

void project_output(const Block& block, const LayerOutcome& outcome, Pass& pass) {
  const BlockShape& shape = block.shape;
  for_equal_heads(outcome.heads, [&](std::size_t first, std::size_t count) {
    const std::vector<std::uint32_t>& heads = outcome.heads[first];
    std::vector<kernels::Range> ranges;
    if (heads.size() < shape.heads) {
      for (const std::uint32_t h : heads) {
        const std::size_t begin = h * shape.head_dim;
        if (!ranges.empty() && ranges.back().end == begin) {
          ranges.back().end += shape.head_dim;
        } else {
          ranges.push_back({begin, begin + shape.head_dim});
        }
      }
    }
    const RowRange range = rows_of(pass, first, count);
    kernels::LinearArgs args;
    args.x = pass.context.view().rows_from(range.first, range.rows);
    args.w = &block.output.weight;
    args.bias = block.output.bias_or_null();
    args.y = pass.x.view().rows_from(range.first, range.rows);
    args.accumulate = true;
    args.in_ranges = ranges;
    kernels::linear(args, *pass.gemm, pass.threads());
    for (std::size_t s = first; s < first + count; ++s) {
      add_linear_work(pass.sequences[s], shape,
                      matmul_ops(pass.sequences[s].rows, heads.size() * shape.head_dim, shape.hidden),
                      shape.hidden * shape.hidden);
    }
  });
}

}  // namespace spatten

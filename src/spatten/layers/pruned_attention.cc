// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/pruned_attention.h"

#include <algorithm>
#include <numeric>

#include "spatten/layers/attention_record.h"
#include "spatten/layers/layer_heads.h"

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

// ---------------------------------------------------------------- all heads

struct HeadJob {
  std::size_t sequence, head_index;
};

/// Runs the jobs on the pool, each with the same bits whatever runs beside it.
template <class Heads>
std::vector<HeadEvidence> run_heads(Heads heads, const Pass& pass, const std::vector<Keys>& keys, const LayerOutcome& outcome,
                                    const std::vector<HeadJob>& jobs) {
  std::vector<HeadEvidence> evidence(jobs.size());
  pass.threads().parallel_for(jobs.size(), [&](std::size_t j, std::size_t worker) {
    const std::size_t i = jobs[j].sequence;
    heads.run(pass.sequences[i], keys[i], outcome.heads[i][jobs[j].head_index], worker, evidence[j]);
  });
  return evidence;
}

std::vector<HeadEvidence> run_heads(const Block& block, Pass& pass, const std::vector<Keys>& keys, const LayerOutcome& outcome,
                                    const std::vector<HeadJob>& jobs) {
  switch (pass.options->arithmetic) {
    case Arithmetic::kChip: return run_heads(ChipHeads(block, pass), pass, keys, outcome, jobs);
    case Arithmetic::kFloat: break;
  }
  return run_heads(FloatHeads(block, pass), pass, keys, outcome, jobs);
}

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
  const std::vector<HeadEvidence> evidence = run_heads(block, pass, keys, outcome, jobs);

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
      if (record) s.records.push_back(make_record(pass, s, shape, head, keys[i].tokens, e));
    }
    outcome.decisions.push_back(s.cascade == nullptr ? algo::LayerDecision{} : s.cascade->end_layer(shape.layer));
    notice_decision(pass, s, shape, outcome.decisions.back());
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

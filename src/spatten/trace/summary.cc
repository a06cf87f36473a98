// SPDX-License-Identifier: Apache-2.0
#include "spatten/trace/summary.h"

#include <algorithm>

#include "spatten/base/checked.h"
#include "spatten/base/fields.h"

namespace spatten::trace {
namespace {

std::uint64_t bits_or_fp32(std::uint8_t bits) { return bits == 0 ? 32 : bits; }

void add(std::uint64_t& sum, Checked value) { sum = (Checked(sum) + value).value(); }

double ratio(std::uint64_t over, std::uint64_t under) {
  return under == 0 ? 0.0 : static_cast<double>(over) / static_cast<double>(under);
}

}  // namespace

/// One pass over the records; what a dense pass of the step would do is added when the step is over.
class CountingSource::Counter {
 public:
  explicit Counter(const Header& header) : header_(header) {}

  void count(const Record& r) {
    if (s_.records == 0 || r.step != step_.step) {
      close_step();
      step_ = r;
      ++s_.steps;
      step_layers_ = 0;
    }
    if (step_layers_ == 0 || r.layer != layer_) ++step_layers_;
    layer_ = r.layer;
    step_.rows = std::max(step_.rows, r.rows);
    s_.layers = std::max<std::uint64_t>(s_.layers, r.layer + std::uint64_t{1});
    s_.heads = std::max<std::uint64_t>(s_.heads, r.head + std::uint64_t{1});
    s_.head_dim = r.head_dim;
    ++s_.records;
    count_fetches(r);
    count_operations(r);
  }

  std::uint64_t records() const { return s_.records; }

  Summary finish(bool cut_off) {
    if (header_.layers != 0) s_.layers = header_.layers;
    if (header_.heads != 0) s_.heads = header_.heads;
    const Checked all_heads = Checked(s_.layers) * s_.heads, last_heads = cut_off ? Checked(step_layers_) * s_.heads : all_heads;
    const Record last = dense_step();
    s_.dense_records = (all_heads * (s_.steps - 1) + last_heads).value();
    s_.dense_fetched = (all_heads * step_fetches_ + last_heads * last.context).value();
    s_.ops_dense_equivalent = ((all_heads * step_pairs_ + last_heads * key_pairs(last)) * s_.head_dim * 4).value();
    return s_;
  }

 private:
  void count_fetches(const Record& r) {
    const bool shared = r.stage == Stage::kSummarization;  // one fetch per head serves all rows
    const std::uint64_t k = shared ? r.keys : std::uint64_t{r.rows} * r.keys;
    const std::uint64_t v = shared ? r.keys : std::uint64_t{r.rows} * r.values;
    const std::uint64_t k_lsb = (shared ? std::min(r.lsb_rows, std::uint32_t{1}) : r.lsb_rows) * std::uint64_t{r.keys};
    add(s_.rows, r.rows);
    add(s_.lsb_rows, r.lsb_rows);
    add(s_.k_fetched, k);
    add(s_.v_fetched, v);
    add(s_.dense_fetched_per_head, r.context);
    add(s_.k_bits, Checked(k) * r.head_dim * bits_or_fp32(r.key_msb_bits) + Checked(k_lsb) * r.head_dim * r.key_lsb_bits);
    add(s_.v_bits, Checked(v) * r.head_dim * bits_or_fp32(r.value_bits));
  }

  void count_operations(const Record& r) {
    add(s_.ops_executed, (Checked(key_pairs(r)) + value_pairs(r)) * r.head_dim * 2);
    // Which rows came again is known at most as a mask; in a causal head the average row stands for them.
    add(s_.ops_recomputed, Checked(key_pairs(r)) * r.lsb_rows / r.rows * r.head_dim * 2);
  }

  Record dense_step() const {
    Record dense = step_;
    dense.keys = dense.context;
    return dense;
  }

  void close_step() {
    if (s_.records == 0) return;
    const Record dense = dense_step();
    add(step_fetches_, dense.context);
    add(step_pairs_, key_pairs(dense));
  }

  const Header& header_;
  Summary s_;
  Record step_;  // the first record of the step, with the most rows of any
  std::uint64_t step_layers_ = 0;
  std::uint32_t layer_ = 0;
  std::uint64_t step_fetches_ = 0, step_pairs_ = 0;  // of the steps before it
};

double Summary::k_reduction() const { return ratio(dense_fetched, k_fetched); }
double Summary::v_reduction() const { return ratio(dense_fetched, v_fetched); }
double Summary::kv_reduction() const { return 2.0 * ratio(dense_fetched, k_fetched + v_fetched); }
double Summary::k_reduction_per_head() const { return ratio(dense_fetched_per_head, k_fetched); }
double Summary::v_reduction_per_head() const { return ratio(dense_fetched_per_head, v_fetched); }
double Summary::kv_reduction_per_head() const { return 2.0 * ratio(dense_fetched_per_head, k_fetched + v_fetched); }
double Summary::head_reduction() const { return ratio(dense_records, records); }
double Summary::lsb_row_ratio() const { return ratio(lsb_rows, rows); }

double Summary::dram_reduction(std::uint64_t dense_bits) const {
  const double moved = static_cast<double>(k_bits) + static_cast<double>(v_bits);
  const double dense = 2.0 * static_cast<double>(dense_fetched) * static_cast<double>(head_dim * dense_bits);
  return moved == 0.0 ? 0.0 : dense / moved;
}

CountingSource::CountingSource(Source& source) : source_(source), counter_(std::make_unique<Counter>(source.header())) {}
CountingSource::~CountingSource() = default;

bool CountingSource::next(Record& out) {
  if (!source_.next(out)) return false;
  try {
    counter_->count(out);
  } catch (const Overflow&) {
    throw Error("", fmt::format("record {}", counted_), "expected counts within 64 bits, found more");
  }
  ++counted_;
  return true;
}

Summary CountingSource::summary(bool cut_off) const {
  if (counter_->records() == 0) throw Error("expected at least one record, found an empty trace");
  try {
    return Counter(*counter_).finish(cut_off);
  } catch (const Overflow&) {
    throw Error("", fmt::format("record {}", counted_), "expected counts within 64 bits, found more");
  }
}

Summary summarize(Source& source) {
  CountingSource counted(source);
  Record record;
  while (counted.next(record)) {
  }
  return counted.summary();
}

Json to_json(const Summary& s) {
  return {{"rows", s.rows},
          {"records", s.records},
          {"steps", s.steps},
          {"layers", s.layers},
          {"heads", s.heads},
          {"head_dim", s.head_dim},
          {"k_reduction", s.k_reduction()},
          {"v_reduction", s.v_reduction()},
          {"kv_reduction", s.kv_reduction()},
          {"k_reduction_per_head", s.k_reduction_per_head()},
          {"v_reduction_per_head", s.v_reduction_per_head()},
          {"kv_reduction_per_head", s.kv_reduction_per_head()},
          {"head_reduction", s.head_reduction()},
          {"lsb_row_ratio", s.lsb_row_ratio()},
          {"ops_executed", s.ops_executed},
          {"ops_recomputed", s.ops_recomputed},
          {"ops_dense_equivalent", s.ops_dense_equivalent},
          {"k_bytes", s.k_bytes()},
          {"v_bytes", s.v_bytes()},
          {"dram_reduction_vs_fp32", s.dram_reduction(32)},
          {"dram_reduction_vs_12bit", s.dram_reduction(12)},
          {"k_fetched", s.k_fetched},
          {"v_fetched", s.v_fetched},
          {"dense_fetched", s.dense_fetched},
          {"dense_fetched_per_head", s.dense_fetched_per_head},
          {"lsb_rows", s.lsb_rows}};
}

}  // namespace spatten::trace

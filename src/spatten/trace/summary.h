// SPDX-License-Identifier: Apache-2.0
// What a trace amounts to: raw integer counts in one pass, ratios at the end.
// Dense = the same model and passes with every head and token: layers and heads from the header, else the largest seen.
// A multiply-add is two operations. Fetches: in generation K and V of each query row; in summarization once per head, and
// all surviving V rows, since the rows of a head share them and value pruning saves no traffic there.
#pragma once

#include <memory>

#include "spatten/base/json.h"
#include "spatten/trace/source.h"

namespace spatten::trace {

struct Summary {
  std::uint64_t records = 0;   ///< heads that ran
  std::uint64_t steps = 0;     ///< forward passes
  std::uint64_t layers = 0, heads = 0, head_dim = 0;
  std::uint64_t rows = 0;      ///< (head, query row) pairs
  std::uint64_t lsb_rows = 0;  ///< of these, the ones that fetched LSBs
  std::uint64_t k_fetched = 0, v_fetched = 0;  ///< vectors of head_dim elements
  std::uint64_t dense_fetched = 0;             ///< K vectors (as many V) of the dense run
  std::uint64_t dense_fetched_per_head = 0;    ///< the same over the heads that ran
  std::uint64_t dense_records = 0;
  std::uint64_t k_bits = 0, v_bits = 0;        ///< moved from memory, LSBs included
  std::uint64_t ops_executed = 0;              ///< Q x K and prob x V, recomputed rows counted once
  std::uint64_t ops_recomputed = 0;            ///< Q x K again, for rows that fetched LSBs
  std::uint64_t ops_dense_equivalent = 0;

  double k_reduction() const;
  double v_reduction() const;
  double kv_reduction() const;
  double k_reduction_per_head() const;
  double v_reduction_per_head() const;
  double kv_reduction_per_head() const;
  double head_reduction() const;
  double lsb_row_ratio() const;
  std::uint64_t k_bytes() const { return (k_bits + 7) / 8; }
  std::uint64_t v_bytes() const { return (v_bits + 7) / 8; }
  /// Bytes of the dense run with elements of so many bits over the bytes of this one.
  double dram_reduction(std::uint64_t dense_bits) const;

  friend bool operator==(const Summary&, const Summary&) = default;
};

/// Passes a source's records on and counts them on the way: a reader that wants the summary of what it read.
class CountingSource final : public Source {
 public:
  /// `source` outlives it.
  explicit CountingSource(Source& source);
  ~CountingSource() override;
  const Header& header() const override { return source_.header(); }
  /// Throws what the source throws, and Error when a count leaves 64 bits.
  bool next(Record& out) override;
  /// Of the records so far. Throws Error when there were none. cut_off: the last step counts as many layers as there were of it.
  Summary summary(bool cut_off = false) const;

 private:
  class Counter;
  Source& source_;
  std::unique_ptr<Counter> counter_;
  std::uint64_t counted_ = 0;
};

/// Reads the source to its end. Throws Error when it is empty or a count leaves 64 bits.
Summary summarize(Source& source);

/// The fields of `spatten trace FILE` (docs/interface.md) and the raw counts.
Json to_json(const Summary& summary);

}  // namespace spatten::trace

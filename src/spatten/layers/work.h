// SPDX-License-Identifier: Apache-2.0
// What a run did, counted by the code that ran. A multiply-add is two operations.
#pragma once

#include <cstdint>

namespace spatten {

struct Work {
  std::uint64_t ops_executed = 0;            // projections, feed-forward, attention and heads, as executed
  std::uint64_t ops_dense_equivalent = 0;    // the same run with no pruning
  std::uint64_t attention_ops_executed = 0;  // Q x K and prob x V only
  std::uint64_t kv_bytes_read = 0;           // K and V as stored; once per head for many queries, per row when decoding
  std::uint64_t kv_bytes_dense = 0;          // the same run unpruned in fp32
  std::uint64_t rows = 0;                    // (head, query) rows of attention
  std::uint64_t lsb_rows = 0;                // of these, rows that read the low bits of K and were recomputed

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("ops_executed", s.ops_executed, "operation", "executed operations");
    f("ops_dense_equivalent", s.ops_dense_equivalent, "operation", "operations of the same run without pruning");
    f("attention_ops_executed", s.attention_ops_executed, "operation", "executed operations of Q x K and prob x V");
    f("kv_bytes_read", s.kv_bytes_read, "byte", "bytes of K and V read");
    f("kv_bytes_dense", s.kv_bytes_dense, "byte", "bytes of K and V that the unpruned fp32 run reads");
    f("rows", s.rows, "row", "(head, query) rows of attention");
    f("lsb_rows", s.lsb_rows, "row", "rows that read the low bits of K");
  }

  Work& operator+=(const Work& other);
};

/// A task head on top of the blocks: pruning does not change it.
inline void add_head_ops(Work& work, std::uint64_t ops) {
  work.ops_executed += ops;
  work.ops_dense_equivalent += ops;
}

}  // namespace spatten

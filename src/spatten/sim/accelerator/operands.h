// SPDX-License-Identifier: Apache-2.0
// Numbers for the functional datapath: Q, K and V of a trace's heads, as the chip holds them, and where its outputs go.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "spatten/algo/fixed_attention.h"
#include "spatten/trace/record.h"

namespace spatten::sim {

/// One record's operands. Keys and values are those that take part, in order: record.keys rows each.
struct HeadOperands {
  algo::FixedMatrix queries;                  // record.rows x head_dim
  algo::FixedKeys keys;
  algo::FixedMatrix values;
  std::vector<algo::FixedRowSetting> rows;    // one per query row
};

/// Integers: in units of 1/4096, and of the 12-bit outputs, i.e. times V's scale comparable between heads and layers.
struct HeadImportance {
  std::vector<std::uint32_t> tokens;  // per key: sum of its probabilities over the rows
  std::uint64_t magnitude = 0;        // sum of |out| over the rows
};

class OperandStore {
 public:
  virtual ~OperandStore() = default;
  /// nullptr: this record is only counted.
  virtual std::shared_ptr<const HeadOperands> find(const trace::Record& record) = 0;
  /// A finished row, in the order in which rows leave the chip. From the thread that simulates its segment.
  virtual void output(const trace::Record& record, std::uint32_t query_row, const algo::FixedRow& row) = 0;
  /// What the accumulators hold of a head when its segment ends; not from a chip that has none (ChipSpec::importance).
  virtual void importance(const trace::Record& record, const HeadImportance& importance) = 0;
};

/// Operands for a record from fp32 matrices: widths and scales as attend_fixed_head() has them.
std::shared_ptr<const HeadOperands> make_operands(const algo::FixedHeadTask& task);

}  // namespace spatten::sim

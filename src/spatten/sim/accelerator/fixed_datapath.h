// SPDX-License-Identifier: Apache-2.0
// The functional datapath: each unit's arithmetic, from algo/fixed_*, in the cycle in which the unit does it. The outputs
// equal algo::attend_fixed_head() bit for bit, whatever the timing.
#pragma once

#include <map>
#include <memory>
#include <tuple>
#include <vector>

#include "spatten/base/random.h"
#include "spatten/sim/accelerator/operands.h"
#include "spatten/sim/accelerator/selection_model.h"
#include "spatten/sim/accelerator/spec.h"
#include "spatten/sim/units/datapath.h"

namespace spatten::sim {

/// What a row holds on its way: operands, then scores, probabilities, sums.
struct RowData {
  std::shared_ptr<const HeadOperands> head;
  trace::Record record;  // scalar fields: whose row this is
  std::uint32_t query_row = 0;
  std::vector<std::int32_t> scores;
  std::vector<std::int64_t> sums;  // of prob x V, one per element
  std::vector<std::uint32_t> value_ids;  // of the kept keys, as Row::value reads them
  algo::FixedRow result;
};

class FixedDatapath final : public Datapath {
 public:
  /// `outputs` outlives it.
  FixedDatapath(const ChipSpec& chip, OperandStore& outputs);

  void score(const Line& line) override;
  void normalise(Row& row) override;
  bool wants_lsb(Row& row) override;
  void select(Row& row) override;
  void weigh(const Line& line) override;
  void finish(Row& row) override;
  void add_token_importance(Row& row) override;
  void add_head_importance(Row& row) override;

  /// Hands out what was accumulated, when the machine has come to its end.
  void hand_out_importance();

 private:
  /// The accumulators of one record's head.
  struct Accumulated {
    trace::Record record;
    HeadImportance importance;
  };
  const std::vector<std::uint32_t>& kept(Row& row) const;
  HeadImportance& importance_of(const RowData& row);

  OperandStore& outputs_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, Accumulated> accumulated_;  // by step, layer, head
  SelectionCost cost_;
  bool select_takes_time_;
  std::uint32_t results_per_line_;
  std::uint64_t seed_;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// Rows of a trace, record by record, as RowSpec says. Records come from a source, one at a time; rows are recycled, so that
// the memory taken does not grow with the trace.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "spatten/sim/accelerator/operands.h"
#include "spatten/sim/accelerator/row_source.h"
#include "spatten/sim/accelerator/selection_model.h"
#include "spatten/sim/accelerator/spec.h"
#include "spatten/trace/source.h"

namespace spatten::sim {

class TraceRows final : public RowSource {
 public:
  /// Every record of `source` fits the chip (fitting_source.h). `batch` above 0: see SimulationOptions.
  /// `operands` may be nullptr. Throws Error when a layer ends past `capacity_bytes`; request windows wrap there instead, as
  /// the published RTL's do.
  TraceRows(trace::Source& source, const ChipSpec& chip, std::uint32_t access_bytes, std::uint32_t batch,
            OperandStore* operands = nullptr, std::uint64_t capacity_bytes = ~std::uint64_t{0});
  ~TraceRows() override;

  Row* next() override;
  void release(Row* row) override;
  const std::vector<LayerOfRows>& layers() const override { return layers_; }

  /// What stood in for values that the records lack.
  const std::set<std::string>& assumptions() const { return assumptions_; }
  std::uint64_t records() const { return records_; }

 private:
  struct Owned;  // a row and what it points to

  /// How a matrix is stored, and whether its low bits are fetched in any case.
  struct Storage {
    std::uint32_t key_bits = 8, lsb_bits = 4, value_bits = 8;
    bool forced_lsb = false;
  };

  bool fill();
  void reclaim();
  std::optional<trace::Record> take_record();
  void make_group(const trace::Record& record, const trace::Record* partner);
  Row* make_row(const trace::Record& record, std::uint32_t query_row, Row* group);
  bool reaches_threshold(const Row& row) const;
  void give_numbers(Row& row, const trace::Record& record, std::uint32_t query_row);
  void place(Row& row, const trace::Record& record, const Storage& storage);
  void choose_ids(Row& row, const trace::Record& record);
  void plan_selection(Row& row, const trace::Record& record, bool first_of_pair);
  void plan_token_selection(Row& row, const trace::Record& record);
  Storage storage(const trace::Record& record) const;
  bool windows() const { return chip_.rows.addresses == RowSpec::Addresses::kRequestWindows; }
  bool lies_in_pairs(const trace::Record& record) const;
  bool pair_fits(const trace::Record& record) const;
  std::uint32_t rounded(std::uint32_t count) const;
  const std::uint32_t* survivors(const trace::Record& record);

  trace::Source& source_;
  const ChipSpec& chip_;
  std::uint32_t access_bytes_, batch_;
  OperandStore* operands_;
  std::uint64_t capacity_bytes_;
  std::vector<std::uint32_t> key_index_memory_, value_index_memory_;
  JavaRandom java_{1};
  Random random_;
  std::deque<Row*> ready_;
  std::vector<std::unique_ptr<Owned>> all_;
  std::vector<Owned*> free_;
  std::deque<Row*> released_;  // first rows of finished groups
  std::optional<trace::Record> pushed_back_;
  std::vector<LayerOfRows> layers_;
  std::set<std::string> assumptions_;
  std::uint64_t records_ = 0;
  std::uint32_t next_id_ = 0;
  bool source_done_ = false;
  // Survivors of the layer at hand, shared by its heads.
  std::shared_ptr<std::vector<std::uint32_t>> survivors_;
  std::uint32_t survivors_context_ = 0, survivors_keys_ = 0;
  std::vector<std::uint32_t> priorities_;
};

}  // namespace spatten::sim

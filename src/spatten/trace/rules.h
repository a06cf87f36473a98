// SPDX-License-Identifier: Apache-2.0
// What every trace keeps to. Readers check each record at the door and turn a problem into an Error that names the place;
// writers check too, since a record that breaks a rule is a bug of the run. The official CSVs satisfy all of it.
#pragma once

#include <optional>
#include <string>

#include "spatten/trace/record.h"

namespace spatten::trace {

struct Problem {
  const char* field;    ///< name of the record's field
  std::string message;  ///< "expected ..., found ..."
};

/// Ranges of one record, agreement with the header, order and constancy within a step:
/// values <= keys <= context, lsb_rows <= rows, one row in generation, widths at most 32 bits, LSBs only on top of MSBs,
/// (step, layer, head) strictly ascending, one context and stage per step, one head_dim per trace.
class Rules {
 public:
  explicit Rules(const Header& header);
  /// The first rule that the next record breaks.
  std::optional<Problem> check(const Record& record);
  /// For writers: throws Bug naming the sink and the record (counted from 1).
  void require(const Record& record, const std::string& sink, std::uint64_t number);

 private:
  std::optional<Problem> ranges(const Record& record) const;
  std::optional<Problem> quantization(const Record& record) const;
  std::optional<Problem> details(const Record& record) const;
  std::optional<Problem> order(const Record& record) const;

  std::uint32_t layers_, heads_, head_dim_;  // 0: not known yet
  bool first_ = true;
  std::uint32_t step_ = 0, layer_ = 0, head_ = 0, context_ = 0;
  Stage stage_ = Stage::kGeneration;
};

}  // namespace spatten::trace

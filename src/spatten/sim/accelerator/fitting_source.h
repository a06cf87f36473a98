// SPDX-License-Identifier: Apache-2.0
// Records on their way into a chip, each held against what the chip has room for: keys of a row, dimensions of a head, lines
// of the K and V SRAM.
#pragma once

#include "spatten/sim/accelerator/spec.h"
#include "spatten/trace/source.h"

namespace spatten::sim {

class FittingSource final : public trace::Source {
 public:
  /// Both outlive it.
  FittingSource(trace::Source& source, const ChipSpec& chip) : source_(source), chip_(chip) {}
  const trace::Header& header() const override { return source_.header(); }
  /// Throws what the source throws, and Error that names the record, by its place where the source knows it, and the limit.
  bool next(trace::Record& out) override;
  std::string place() const override { return source_.place(); }

 private:
  void check(const trace::Record& record) const;
  [[noreturn]] void fail(const trace::Record& record, const std::string& message) const;

  trace::Source& source_;
  const ChipSpec& chip_;
  std::uint64_t records_ = 0;
};

}  // namespace spatten::sim

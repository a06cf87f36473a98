// SPDX-License-Identifier: Apache-2.0
// A trace seen differently: some of its steps, or other widths in DRAM. Nothing is copied; records change on their way.
#pragma once

#include <functional>
#include <optional>

#include "spatten/trace/source.h"

namespace spatten {

/// The records of the steps that `wanted` says yes to, under their own numbers.
class ChosenSteps final : public trace::Source {
 public:
  /// `source` outlives it.
  ChosenSteps(trace::Source& source, std::function<bool(std::uint32_t step)> wanted)
      : source_(source), wanted_(std::move(wanted)) {}
  const trace::Header& header() const override { return source_.header(); }
  bool next(trace::Record& out) override;
  std::string place() const override { return source_.place(); }
  std::vector<std::string> assumptions() const override { return source_.assumptions(); }

 private:
  trace::Source& source_;
  std::function<bool(std::uint32_t)> wanted_;
};

/// How Q, K and V are stored; 0 bits: fp32.
struct StoredWidths {
  std::uint8_t query_bits = 12, key_msb_bits = 0, key_lsb_bits = 0, value_bits = 0;
  /// Share of the rows that read the low bits, where there are any: an even one, over the trace. Nothing: as recorded.
  std::optional<double> lsb_row_ratio;
};

class RestoredTrace final : public trace::Source {
 public:
  /// `source` outlives it.
  RestoredTrace(trace::Source& source, const StoredWidths& widths) : source_(source), widths_(widths) {}
  const trace::Header& header() const override { return source_.header(); }
  bool next(trace::Record& out) override;
  std::string place() const override { return source_.place(); }
  std::vector<std::string> assumptions() const override { return source_.assumptions(); }

 private:
  trace::Source& source_;
  StoredWidths widths_;
  double carry_ = 0;
};

}  // namespace spatten

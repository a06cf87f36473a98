// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/trace_edits.h"

#include <algorithm>

#include "spatten/algo/policy.h"

namespace spatten {

bool ChosenSteps::next(trace::Record& out) {
  while (source_.next(out)) {
    if (wanted_(out.step)) return true;
  }
  return false;
}

bool RestoredTrace::next(trace::Record& out) {
  if (!source_.next(out)) return false;
  out.query_bits = widths_.query_bits;
  out.key_msb_bits = widths_.key_msb_bits;
  out.key_lsb_bits = widths_.key_lsb_bits;
  out.value_bits = widths_.value_bits;
  if (widths_.lsb_row_ratio || widths_.key_lsb_bits == 0) {
    carry_ += widths_.lsb_row_ratio.value_or(0) * out.rows;
    out.lsb_rows = widths_.key_lsb_bits == 0 ? 0 : std::min(out.rows, static_cast<std::uint32_t>(carry_));
    carry_ -= out.lsb_rows;
    out.lsb_mask.clear();
  }
  if (out.key_lsb_bits == 0) {
    out.threshold = 0;
  } else if (out.threshold == 0) {
    out.threshold = algo::QuantizationPolicy().threshold;
  }
  return true;
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/accelerator/fitting_source.h"

#include <fmt/format.h>

#include <algorithm>

#include "spatten/base/error.h"

namespace spatten::sim {

bool FittingSource::next(trace::Record& out) {
  if (!source_.next(out)) return false;
  ++records_;
  check(out);
  return true;
}

void FittingSource::fail(const trace::Record& record, const std::string& message) const {
  const std::string place = source_.place();
  throw Error(place.empty() ? fmt::format("record {}", records_) : place, "",
              fmt::format("step {}, layer {}, head {}: {}", record.step, record.layer, record.head, message));
}

void FittingSource::check(const trace::Record& record) const {
  const std::uint64_t keys = chip_.rounded(record.keys);
  if (keys > chip_.rows.max_keys) {
    fail(record,
         fmt::format("expected at most {} keys, the chip's rows.max_keys, found {}", chip_.rows.max_keys, record.keys));
  }
  if (record.head_dim > chip_.qk.max_head_dim ||
      (record.head_dim > 64 && chip_.array.multipliers % record.head_dim != 0)) {
    fail(record,
         fmt::format("expected a head dimension of at most 64, or one that divides array.multipliers {} and is at most "
                     "qk.max_head_dim {}, found {}",
                     chip_.array.multipliers, chip_.qk.max_head_dim, record.head_dim));
  }
  const std::uint64_t lines = chip_.sram_lines(keys, record.head_dim);
  const std::uint64_t room = std::min(chip_.key_sram.lines, chip_.value_sram.lines);
  if (lines > room) {
    fail(record,
         fmt::format(
             "expected keys for at most the {} lines of the K and V SRAM, found {} of head dimension {}, which take {}",
             room, record.keys, record.head_dim, lines));
  }
}

}  // namespace spatten::sim

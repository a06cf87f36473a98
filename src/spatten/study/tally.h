// SPDX-License-Identifier: Apache-2.0
// What runs of a chip add up to: time, work, traffic, energy. A sum of runs is one, and so is a multiple: long
// generations are measured by a few of their tokens, suites by their members.
#pragma once

#include <functional>
#include <memory>

#include "spatten/study/chip_run.h"

namespace spatten {

struct Tally {
  double seconds = 0, fc_seconds = 0;  ///< the second is part of the first
  double rows = 0;
  double ops_executed = 0, ops_dense_equivalent = 0;  ///< of attention
  double fc_ops = 0;
  double dram_bytes = 0, weight_bytes = 0;  ///< the second is part of the first
  cost::Joules joules;

  Tally& operator+=(const Tally& other);
  Tally scaled(double factor) const;

  double attention_seconds() const { return seconds - fc_seconds; }
  double tflops_executed() const { return ops_executed / seconds / 1e12; }
  double tops_dense_equivalent() const { return ops_dense_equivalent / seconds / 1e12; }
  double ops_per_byte() const { return ops_executed / dram_bytes; }
  cost::Joules watts() const { return joules.scaled(1 / seconds); }
};

Tally tally_of(const ChipRun& run);

/// All of a source.
Tally run_whole(trace::Source& source, const ChipSetup& setup);

/// A generation of `tokens` tokens (steps 0, 1, ... of the source, no prompt) by its first, second and last one. The
/// first may be pruned otherwise; the others' contexts grow by one key a step, so that the mean of two stands for all
/// between. Needs a chip that ends a token before it begins the next (barrier `step` or `layer`).
Tally run_sampled(const std::function<std::unique_ptr<trace::Source>()>& make_source, std::uint32_t tokens,
                  const ChipSetup& setup);

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// SpAtten-e2e (HPCA'21 V-B): the FC layers of a block as matrix-vector products on the same two arrays, their weights
// streamed from DRAM at 8 or 12 bits. Nothing is reused between tokens, so a generated token reads all weights of a layer;
// in summarization one reading serves all rows. Time of attention and of FC layers adds up.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "spatten/sim/accelerator/result.h"
#include "spatten/sim/accelerator/spec.h"
#include "spatten/sim/memory/memory.h"
#include "spatten/trace/record.h"

namespace spatten::sim {

class FcStream {
 public:
  /// `chip` outlives it. Hidden and inner size come from the header, else heads x head_dim and four times that.
  FcStream(const ChipSpec& chip, std::function<std::unique_ptr<Memory>()> make_memory);

  /// Counts a record; the first one of each (step, layer) brings that layer's weights.
  void count(const trace::Header& header, const trace::Record& record);
  /// Adds what was counted to `total`. Layers of one size take the same time, so each size is simulated once.
  void add_to(Result& total) const;

 private:
  Result stream(std::uint64_t bytes) const;

  const ChipSpec& chip_;
  std::function<std::unique_ptr<Memory>()> make_memory_;
  bool first_ = true;
  std::uint32_t step_ = 0, layer_ = 0;
  std::uint64_t step_rows_ = 0;  // of the step's first layer, which no token has left yet
  std::uint64_t dense_ops_ = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> layers_;  // (weights, rows): how many
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// How long a quick-select takes: the recurrence of the authors' simulator (TopKLatencyModel.scala), ceil(n / lanes) + 3
// cycles per split of n elements, on random values when there are no probabilities.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "spatten/base/random.h"
#include "spatten/sim/accelerator/java_random.h"

namespace spatten::sim {

struct Selection {
  std::uint32_t cycles = 0, passes = 0;
  std::uint64_t compares = 0;  ///< elements read, over all passes
  std::uint64_t packed = 0;    ///< elements written back: all that differ from the pivot of their pass
};

struct SelectionCost {
  std::uint32_t lanes = 16, overhead = 3;
};

/// The authors' draw: n values, then pivots, from one generator; `keep` as their 0-based rank.
Selection select_java_values(std::uint32_t n, std::uint32_t keep, const SelectionCost& cost, JavaRandom& random);

/// The same in distribution, by ranks alone.
Selection select_random_ranks(std::uint32_t n, std::uint32_t keep, const SelectionCost& cost, Random& random);

/// On real values, the `keep` largest, pivots from `random`.
Selection select_values(std::span<const std::uint16_t> values, std::uint32_t keep, const SelectionCost& cost, Random& random);

}  // namespace spatten::sim

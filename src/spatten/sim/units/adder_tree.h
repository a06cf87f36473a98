// SPDX-License-Identifier: Apache-2.0
// Reconfigurable adder tree (HPCA'21 IV-E, Fig. 11): `multipliers` products, one register per layer, tapped where the sums of
// one head dimension are complete. The same tree serves Q x K (sums along D) and prob x V (sums along the rows of a line).
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace spatten::sim {

struct AdderTree {
  std::uint32_t multipliers = 512;
  std::uint32_t max_results = 8;  ///< the widest output of the unit behind it

  /// Results per cycle at head dimension d: 512 / d, at most max_results (smaller heads are padded with zeros).
  std::uint32_t results(std::uint32_t d) const { return std::max(1u, std::min(max_results, multipliers / d)); }
  /// Layers that `inputs` products of one sum pass.
  static std::uint32_t layers(std::uint32_t inputs) { return static_cast<std::uint32_t>(std::bit_width(std::max(1u, inputs) - 1)); }
};

}  // namespace spatten::sim

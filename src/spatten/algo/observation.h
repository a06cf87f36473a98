// SPDX-License-Identifier: Apache-2.0
// What attention tells the pruning rules about one (layer, head), and which parts of it a rule asks for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace spatten::algo {

/// The parts of a HeadObservation that must be filled; kernels compute nothing else.
struct ObservationNeeds {
  bool column_sums = false;
  bool probe_row = false;
  bool value_norms = false;
  bool out_magnitude = false;
};

/// One head of one layer. Columns are keys; `keys` holds the token id (original position) of each, ascending.
/// All probabilities are the final ones: rows rejected by progressive quantization do not count, V-pruned ones do.
struct HeadObservation {
  std::uint32_t layer = 0;
  std::uint32_t head = 0;
  std::uint32_t rows = 0;  // query rows; they belong to the last `rows` of the keys
  std::span<const std::uint32_t> keys{};
  std::span<const float> column_sums{};  // per key: sum over the rows of the probability
  std::span<const float> probe_row{};    // per key: probability of the probe query (CascadeState::probe_row())
  std::span<const float> value_norms{};  // per key: Euclidean norm of its V in this head
  double out_magnitude = 0;              // sum of |E| over rows and head dimension
};

/// How many of `rows` query rows saw key column `column` of `keys`; a causal row does not see later keys.
inline std::uint32_t rows_seeing(std::size_t column, std::size_t keys, std::uint32_t rows, bool causal) {
  const std::size_t not_later = keys - column;
  return causal && not_later < rows ? static_cast<std::uint32_t>(not_later) : rows;
}

}  // namespace spatten::algo

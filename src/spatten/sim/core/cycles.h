// SPDX-License-Identifier: Apache-2.0
// Simulated time: clock edges since the start, counted, never measured.
#pragma once

#include <cstdint>
#include <limits>

namespace spatten::sim {

/// Core clock cycles or, inside sim/memory, memory clocks; the two run at the same rate (1 GHz each).
using Cycles = std::uint64_t;

/// "No event is due": later than any cycle that can be reached.
inline constexpr Cycles kNever = std::numeric_limits<Cycles>::max();

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// Seeded random numbers whose sequence is the same on every platform (the distributions of <random> are not).
#pragma once

#include <cmath>
#include <cstdint>

namespace spatten {

/// SplitMix64 (Steele, Lea, Flood 2014): one 64-bit state, equidistributed, good enough for sampling and pivots.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ull);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return z ^ (z >> 31);
  }
  /// The state after `count` more calls of next(), at once.
  void skip(std::uint64_t count) { state_ += count * 0x9E3779B97F4A7C15ull; }
  /// Uniform in 0 .. bound-1; bound > 0 (the bias is below 2^-32 for bounds below 2^32).
  std::uint64_t below(std::uint64_t bound) {
    __extension__ using Wide = unsigned __int128;  // not ISO C++, but every 64-bit g++ and clang has it
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }
  /// Uniform in [0, 1).
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Standard normal (Box-Muller, one value per call).
  double normal() {
    const double u = 1.0 - uniform(), v = uniform();
    return std::sqrt(-2.0 * std::log(u)) * std::cos(6.283185307179586 * v);
  }

 private:
  std::uint64_t state_;
};

}  // namespace spatten

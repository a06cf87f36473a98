// SPDX-License-Identifier: Apache-2.0
// java.util.Random: the generator behind the published RTL's index memory and the authors' top-k latencies (the 48-bit
// linear congruential generator that the Java documentation specifies).
#pragma once

#include <cstdint>

namespace spatten::sim {

class JavaRandom {
 public:
  explicit JavaRandom(std::uint64_t seed) : state_((seed ^ kMultiplier) & kMask) {}

  std::int32_t next_int() { return static_cast<std::int32_t>(next(32)); }
  /// Uniform in 0 .. bound-1; 0 < bound < 2^31.
  std::int32_t next_int(std::int32_t bound) {
    if ((bound & (bound - 1)) == 0) {
      return static_cast<std::int32_t>((static_cast<std::int64_t>(bound) * static_cast<std::int64_t>(next(31))) >> 31);
    }
    std::int64_t bits, value;
    do {
      bits = static_cast<std::int64_t>(next(31));
      value = bits % bound;
    } while (bits - value + (bound - 1) > INT32_MAX);
    return static_cast<std::int32_t>(value);
  }

 private:
  static constexpr std::uint64_t kMultiplier = 0x5DEECE66Dull, kMask = (std::uint64_t{1} << 48) - 1;
  std::uint64_t next(unsigned bits) {
    state_ = (state_ * kMultiplier + 0xB) & kMask;
    return state_ >> (48 - bits);
  }
  std::uint64_t state_;
};

}  // namespace spatten::sim

// SPDX-License-Identifier: Apache-2.0
// Unsigned 64-bit arithmetic on numbers that come from a file: every operation that leaves the range throws, so that
// no size, offset or product of dimensions can wrap. The only type in which such numbers are added or multiplied.
#pragma once

#include <cstddef>
#include <cstdint>

#include "spatten/base/error.h"

namespace spatten {

/// Thrown by Checked; readers turn it into an Error that names the item.
class Overflow : public std::runtime_error {
 public:
  Overflow() : std::runtime_error("arithmetic overflow") {}
};

class Checked {
 public:
  constexpr Checked(std::uint64_t value) : value_(value) {}  // NOLINT: implicit on purpose, it only adds safety

  constexpr std::uint64_t value() const { return value_; }
  /// As an index of this machine.
  std::size_t size() const { return static_cast<std::size_t>(value_); }

  friend Checked operator+(Checked a, Checked b) {
    std::uint64_t r;
    if (__builtin_add_overflow(a.value_, b.value_, &r)) throw Overflow();
    return r;
  }
  friend Checked operator-(Checked a, Checked b) {
    if (b.value_ > a.value_) throw Overflow();
    return a.value_ - b.value_;
  }
  friend Checked operator*(Checked a, Checked b) {
    std::uint64_t r;
    if (__builtin_mul_overflow(a.value_, b.value_, &r)) throw Overflow();
    return r;
  }
  friend Checked operator/(Checked a, Checked b) {
    if (b.value_ == 0) throw Overflow();
    return a.value_ / b.value_;
  }
  friend constexpr auto operator<=>(Checked a, Checked b) = default;

 private:
  std::uint64_t value_;
};

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/quantities.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

namespace spatten::app {

std::string si(double value, std::string_view unit) {
  if (value == 0) return fmt::format("0 {}", unit);
  struct Prefix {
    double factor;
    std::string_view name;
  };
  constexpr std::array<Prefix, 9> kPrefixes = {{{1e12, "T"}, {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}, {1e-3, "m"}, {1e-6, "u"}, {1e-9, "n"}, {1e-12, "p"}}};
  Prefix best = kPrefixes.back();
  for (const Prefix& p : kPrefixes) {
    if (std::abs(value) >= 0.9995 * p.factor) {  // 999.6 would print as 1000
      best = p;
      break;
    }
  }
  const double scaled = value / best.factor;
  const int decimals = std::abs(scaled) < 9.995 ? 2 : std::abs(scaled) < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}{}", scaled, decimals, best.name, unit);
}

std::string grouped(std::uint64_t count) {
  std::string out = fmt::format("{}", count);
  for (std::size_t i = out.size(); i > 3; i -= 3) out.insert(i - 3, ",");
  return out;
}

}  // namespace spatten::app

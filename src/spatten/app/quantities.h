// SPDX-License-Identifier: Apache-2.0
// Physical quantities for people: three digits and the prefix that fits, "2.72 ms", "5.71 W". Counts and bytes: see
// count_text and bytes_text in pruning_story.h.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace spatten::app {

/// `value` of `unit` with an SI prefix from pico to tera: (0.00272, "s") is "2.72 ms". "0 s" for zero.
std::string si(double value, std::string_view unit);

/// "2,720,123"
std::string grouped(std::uint64_t count);

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// The known word nearest to a mistyped one, for "did you mean".
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace spatten {

/// Levenshtein distance in bytes.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that begins with the word, when it has three letters or more (the shortest such one); else the one of
/// least edit distance (the first of equals), or "" when none is within half of the word's length.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// ", did you mean "x"?" or "".
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace spatten

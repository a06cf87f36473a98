// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/nearest.h"

#include <algorithm>
#include <numeric>

namespace spatten {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.size() > 100) return "";
  std::string best;
  for (const std::string& c : candidates) {
    const bool begins = word.size() >= 3 && c.starts_with(word);
    if (begins && (best.empty() || c.size() < best.size())) best = c;
  }
  if (!best.empty()) return best;
  std::size_t least = word.size() / 2 + 2;
  for (const std::string& c : candidates) {
    const std::size_t d = edit_distance(word, c);
    if (d < least) {
      least = d;
      best = c;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string n = nearest(word, candidates);
  return n.empty() ? "" : ", did you mean \"" + n + "\"?";
}

}  // namespace spatten

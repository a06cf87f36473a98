// SPDX-License-Identifier: Apache-2.0
// Reads layers.txt and judges one #include. Knows nothing of the file system, so that it can be tested on made-up lines.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace spatten::architecture {

/// One #include line. `from` is the layer of the file that holds it; `header` is the name between the quotes.
struct Include {
  std::string file;
  std::size_t line = 0;
  std::string from;
  std::string header;
};

class IncludeRules {
 public:
  /// Throws Error when a line is neither a section nor "name: names".
  static IncludeRules parse(const std::string& text);

  bool knows_layer(const std::string& layer) const { return layers_.count(layer) != 0; }
  /// Nothing when the include is allowed, else "FILE:LINE: why not".
  std::optional<std::string> offence(const Include& include) const;

 private:
  std::map<std::string, std::set<std::string>> layers_;
  std::vector<std::pair<std::string, std::set<std::string>>> headers_;
};

/// The headers that `text` includes, with their lines.
std::vector<Include> includes_of(const std::string& file, const std::string& from, const std::string& text);

/// A chain a -> b -> a of files that include each other, empty when there is none. `graph` maps a file to its includes.
std::vector<std::string> find_cycle(const std::map<std::string, std::vector<std::string>>& graph);

}  // namespace spatten::architecture

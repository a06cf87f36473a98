// SPDX-License-Identifier: Apache-2.0
#include "architecture/include_rules.h"

#include <regex>
#include <sstream>

#include "spatten/base/error.h"

namespace spatten::architecture {
namespace {

constexpr std::string_view kOurs = "spatten/";

std::set<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), {}};
}

/// A rule for "thread" is about that header, one for "sys/" about a folder of them.
bool covers(const std::string& rule, const std::string& header) {
  return header == rule || (header.rfind(rule, 0) == 0 && (rule.back() == '/' || header[rule.size()] == '.'));
}

/// <vector>, <cstring>: standard headers have neither a folder nor an ending.
bool is_standard(const std::string& header) { return header.find_first_of("./") == std::string::npos; }

}  // namespace

IncludeRules IncludeRules::parse(const std::string& text) {
  IncludeRules rules;
  std::istringstream in(text);
  std::string line, section;
  while (std::getline(in, line)) {
    line.erase(std::min(line.find('#'), line.size()));
    if (words(line).empty()) continue;
    const std::size_t colon = line.find(':');
    if (line.front() == '[') {
      section = *words(line).begin();
    } else if (colon == std::string::npos || (section != "[layers]" && section != "[headers]")) {
      throw Error("layers.txt", "", fmt::format("expected \"name: names\" in a section, found \"{}\"", line));
    } else if (section == "[layers]") {
      rules.layers_[line.substr(0, colon)] = words(line.substr(colon + 1));
    } else {
      rules.headers_.emplace_back(line.substr(0, colon), words(line.substr(colon + 1)));
    }
  }
  return rules;
}

std::optional<std::string> IncludeRules::offence(const Include& include) const {
  const auto no = [&](const std::string& why) { return fmt::format("{}:{}: {}", include.file, include.line, why); };
  if (include.header.rfind(kOurs, 0) == 0) {
    const std::string layer = include.header.substr(kOurs.size(), include.header.find('/', kOurs.size()) - kOurs.size());
    if (layer == include.from || layers_.at(include.from).count(layer) != 0) return std::nullopt;
    return no(fmt::format("{} may not include {} ({})", include.from, layer, include.header));
  }
  for (const auto& [rule, allowed] : headers_) {
    if (!covers(rule, include.header)) continue;
    if (allowed.count("*") != 0 || allowed.count(include.from) != 0) return std::nullopt;
    return no(fmt::format("{} may not include <{}>", include.from, include.header));
  }
  if (is_standard(include.header)) return std::nullopt;
  return no(fmt::format("<{}> is not listed in layers.txt", include.header));
}

std::vector<Include> includes_of(const std::string& file, const std::string& from, const std::string& text) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*[<"]([^>"]+)[>"])");
  std::vector<Include> found;
  std::istringstream in(text);
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    std::smatch match;
    if (std::regex_search(line, match, kInclude)) found.push_back({file, number, from, match[1]});
  }
  return found;
}

namespace {

enum class Mark { kNew, kOpen, kDone };

/// Depth first; true when `file` leads back into the open path, which then holds the cycle.
bool visit(const std::string& file, const std::map<std::string, std::vector<std::string>>& graph,
           std::map<std::string, Mark>& marks, std::vector<std::string>& path) {
  path.push_back(file);
  if (marks[file] == Mark::kOpen) return true;
  if (marks[file] == Mark::kNew && graph.count(file) != 0) {
    marks[file] = Mark::kOpen;
    for (const std::string& next : graph.at(file)) {
      if (visit(next, graph, marks, path)) return true;
    }
  }
  marks[file] = Mark::kDone;
  path.pop_back();
  return false;
}

}  // namespace

std::vector<std::string> find_cycle(const std::map<std::string, std::vector<std::string>>& graph) {
  std::map<std::string, Mark> marks;
  std::vector<std::string> path;
  for (const auto& [file, includes] : graph) {
    if (!visit(file, graph, marks, path)) continue;
    path.erase(path.begin(), std::find(path.begin(), path.end(), path.back()));
    return path;
  }
  return {};
}

}  // namespace spatten::architecture

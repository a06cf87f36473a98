// SPDX-License-Identifier: Apache-2.0
// Options of a verb, one function per kind of value. The parser behind them (CLI11) is known to this pair of files and to
// command_line.cc only. Bad values throw UsageError naming option, wish and finding. `group` is the heading in the help text.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace spatten::app {

void add_flag(CLI::App& app, const std::string& name, bool& target, const std::string& help, const std::string& group = "");

void add_text(CLI::App& app, const std::string& name, std::string& target, const std::string& type, const std::string& help,
              const std::string& group = "");

/// Can be given many times, one value each.
void add_list(CLI::App& app, const std::string& name, std::vector<std::string>& target, const std::string& type,
              const std::string& help, const std::string& group = "");

/// One of a few words; `choose` gets the index.
void add_choice(CLI::App& app, const std::string& name, const std::vector<std::string>& words,
                const std::function<void(std::size_t)>& choose, const std::string& help, const std::string& group = "");

/// Both ends belong to it.
template <class T>
struct Range {
  T min, max;
};

void add_number(CLI::App& app, const std::string& name, double& target, Range<double> range, const std::string& help,
                const std::string& group = "");

/// `set` gets a number of the range.
void add_count(CLI::App& app, const std::string& name, const std::function<void(std::uint64_t)>& set, Range<std::uint64_t> range,
               const std::string& help, const std::string& group);

template <class T>
void add_integer(CLI::App& app, const std::string& name, T& target, Range<std::uint64_t> range, const std::string& help,
                 const std::string& group = "") {
  add_count(app, name, [&target](std::uint64_t value) { target = static_cast<T>(value); }, range, help, group);
}

/// `text` as a whole decimal number of the range; throws UsageError naming `option`.
std::uint64_t parse_integer(const std::string& option, const std::string& text, Range<std::uint64_t> range);
/// Index of `text` in `words`.
std::size_t parse_choice(const std::string& option, const std::string& text, const std::vector<std::string>& words);
double parse_number(const std::string& option, const std::string& text, Range<double> range);

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/option_kinds.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "spatten/base/error.h"
#include "spatten/base/nearest.h"

namespace spatten::app {
namespace {

[[noreturn]] void refuse(const std::string& option, const std::string& wanted, const std::string& found) {
  throw UsageError(option, "", fmt::format("expected {}, found \"{}\"", wanted, printable(found, 60)));
}

void set_group(CLI::Option& option, const std::string& group) {
  if (!group.empty()) option.group(group);
}

/// An option whose word `take` reads.
void add_word(CLI::App& app, const std::string& name, const std::function<void(const std::string&)>& take, const std::string& type,
              const std::string& help, const std::string& group) {
  set_group(*app.add_option_function<std::string>(name, take, help)->type_name(type), group);
}

}  // namespace

std::uint64_t parse_integer(const std::string& option, const std::string& text, Range<std::uint64_t> range) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || value < range.min || value > range.max) {
    refuse(option, fmt::format("an integer from {} to {}", range.min, range.max), text);
  }
  return value;
}

double parse_number(const std::string& option, const std::string& text, Range<double> range) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stopped != end || !(value >= range.min && value <= range.max)) {
    refuse(option, fmt::format("a number from {} to {}", range.min, range.max), text);
  }
  return value;
}

std::size_t parse_choice(const std::string& option, const std::string& text, const std::vector<std::string>& words) {
  const auto it = std::find(words.begin(), words.end(), text);
  if (it != words.end()) return static_cast<std::size_t>(it - words.begin());
  std::string list;
  for (const std::string& w : words) list += (list.empty() ? "" : ", ") + w;
  throw UsageError(option, "", fmt::format("expected one of {}, found \"{}\"{}", list, printable(text, 60), did_you_mean(text, words)));
}

void add_flag(CLI::App& app, const std::string& name, bool& target, const std::string& help, const std::string& group) {
  set_group(*app.add_flag(name, target, help), group);
}

void add_text(CLI::App& app, const std::string& name, std::string& target, const std::string& type, const std::string& help,
              const std::string& group) {
  set_group(*app.add_option(name, target, help)->type_name(type), group);
}

void add_list(CLI::App& app, const std::string& name, std::vector<std::string>& target, const std::string& type,
              const std::string& help, const std::string& group) {
  // Without allow_extra_args(false) one --set would swallow the texts after it.
  set_group(*app.add_option(name, target, help)->type_name(type)->allow_extra_args(false), group);
}

void add_choice(CLI::App& app, const std::string& name, const std::vector<std::string>& words,
                const std::function<void(std::size_t)>& choose, const std::string& help, const std::string& group) {
  std::string type;
  for (const std::string& w : words) type += (type.empty() ? "" : "|") + w;
  add_word(app, name, [=](const std::string& v) { choose(parse_choice(name, v, words)); }, type, help, group);
}

void add_number(CLI::App& app, const std::string& name, double& target, Range<double> range, const std::string& help,
                const std::string& group) {
  add_word(app, name, [=, &target](const std::string& v) { target = parse_number(name, v, range); }, "X", help, group);
}

void add_count(CLI::App& app, const std::string& name, const std::function<void(std::uint64_t)>& set, Range<std::uint64_t> range,
               const std::string& help, const std::string& group) {
  add_word(app, name, [=](const std::string& v) { set(parse_integer(name, v, range)); }, "N", help, group);
}

}  // namespace spatten::app

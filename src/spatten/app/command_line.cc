// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "spatten/app/output.h"
#include "spatten/base/error.h"
#include "spatten/base/nearest.h"

namespace spatten::app {
namespace {

constexpr std::size_t kHelpColumns = 80, kNameColumns = 26;

const VerbEntry* find_verb(const std::string& name) {
  for (const VerbEntry& v : verbs()) {
    if (name == v.name) return &v;
  }
  return nullptr;
}

const VerbEntry& get_verb(const std::string& name) {
  if (const VerbEntry* found = find_verb(name)) return *found;
  std::vector<std::string> known{"help"};
  for (const VerbEntry& v : verbs()) known.emplace_back(v.name);
  const std::string hint = did_you_mean(name, known);
  throw UsageError(fmt::format("unknown verb \"{}\"{}", printable(name), hint.empty() ? "; spatten --help lists them" : hint));
}

void configure(CLI::App& app, bool& help) {
  app.allow_extras(true);  // so that remaining() tells the mistyped options, and keeps texts as they are ("[a, b]")
  app.set_help_flag();
  app.add_flag("-h,--help", help, "this text")->group("Run");
}

/// "  --name TYPE   what it is", the second column wrapped.
std::string help_row(const std::string& name, const std::string& text) {
  std::string rest = wrapped(text, kNameColumns + 2, kHelpColumns);
  const std::string first = "  " + name;
  if (display_width(first) > kNameColumns) return first + "\n" + rest;
  return pad_right(first, kNameColumns + 2) + rest.substr(std::min(rest.size(), kNameColumns + 2));
}

std::string option_name(const CLI::Option& option) {
  std::string out;
  for (const std::string& s : option.get_snames()) out += "-" + s + ", ";
  for (const std::string& l : option.get_lnames()) out += "--" + l;
  const std::string type = option.get_expected_max() == 0 ? "" : option.get_type_name();
  return type.empty() ? out : out + " " + type;
}

std::string option_rows(const CLI::App& app) {
  std::string out;
  std::vector<std::string> groups;
  for (const CLI::Option* o : app.get_options()) {
    if (std::find(groups.begin(), groups.end(), o->get_group()) == groups.end()) groups.push_back(o->get_group());
  }
  // The verb's own options (CLI11's default group) come first, the plumbing last.
  const auto rank = [](const std::string& g) { return g == "Options" ? 0 : g == "Run" ? 2 : 1; };
  std::stable_sort(groups.begin(), groups.end(), [&](const std::string& a, const std::string& b) { return rank(a) < rank(b); });
  for (const std::string& group : groups) {
    out += "\n" + group + ":\n";
    for (const CLI::Option* o : app.get_options()) {
      if (o->get_group() == group) out += help_row(option_name(*o), o->get_description());
    }
  }
  return out;
}

/// The arguments that are no options; a word that looks like an option and is none throws.
Arguments take_arguments(const CLI::App& app) {
  Arguments out;
  bool only_arguments = false;  // after "--"
  for (const std::string& word : app.remaining()) {
    if (!only_arguments && word == "--") {
      only_arguments = true;
    } else if (!only_arguments && word.size() > 1 && word[0] == '-' && (word[1] < '0' || word[1] > '9')) {
      const std::string name = word.substr(0, word.find('='));
      std::vector<std::string> known;
      for (const CLI::Option* o : app.get_options()) {
        for (const std::string& l : o->get_lnames()) known.push_back("--" + l);
      }
      throw UsageError(fmt::format("unknown option \"{}\"{} (a text that starts with - goes after --)", printable(name),
                                   did_you_mean(name, known)));
    } else {
      out.push_back(word);
    }
  }
  return out;
}

/// A word as a POSIX shell reads it back.
std::string shell_quoted(const std::string& word) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string shell_command(const std::vector<std::string>& words) {
  std::string out = "spatten";
  for (const std::string& word : words) out += " " + shell_quoted(word);
  return out;
}

void run_verb(const VerbEntry& entry, std::vector<std::string> words, Environment& environment) {
  const std::unique_ptr<Verb> verb = entry.make();
  CLI::App app("", entry.name);
  bool help = false;
  configure(app, help);
  verb->add_options(app);
  try {
    std::reverse(words.begin(), words.end());  // the order that CLI11 takes a vector in
    app.parse(words);
  } catch (const CLI::ParseError& e) {
    throw UsageError(e.what());
  }
  if (help) {
    print_standard_output(verb_help(entry, environment));
    return;
  }
  verb->run(take_arguments(app), environment);
}

}  // namespace

std::string overview(const Environment& environment) {
  std::string out =
      "SpAtten: transformers with cascade token and head pruning (HPCA 2021) on a CPU.\n\n"
      "Usage: spatten VERB [options] [inputs]\n";
  std::string group;
  for (const VerbEntry& v : verbs()) {
    if (group != v.group) out += fmt::format("\n{}:\n", v.group);
    group = v.group;
    const std::string rest = wrapped(v.make()->help().summary, 14, kHelpColumns);
    out += pad_right(fmt::format("  {}", v.name), 14) + rest.substr(14);
  }
  return out + fmt::format(
                   "\nMore:\n"
                   "  help VERB   options and an example (also: VERB --help)\n"
                   "  --version   the version of this program\n\n"
                   "Example, from the repository root:\n"
                   "  {} classify {}\n",
                   environment.program, get_verb("classify").make()->help().example);
}

std::string verb_help(const VerbEntry& entry, const Environment& environment) {
  const std::unique_ptr<Verb> verb = entry.make();
  const VerbHelp help = verb->help();
  CLI::App app("", entry.name);
  bool ignored = false;
  configure(app, ignored);
  verb->add_options(app);
  std::string out = wrapped(fmt::format("spatten {}: {}", entry.name, help.summary), 0, kHelpColumns);
  out += fmt::format("\nUsage: spatten {} [options] {}\n", entry.name, help.arguments);
  if (*help.details != '\0') out += "\n" + wrapped(help.details, 0, kHelpColumns);
  return out + option_rows(app) +
         fmt::format("\nExample, from the repository root:\n  {} {} {}\n", environment.program, entry.name, help.example);
}

int run_command_line(const std::vector<std::string>& words, Environment& environment) {
  environment.command = shell_command(words);
  if (words.empty()) throw UsageError("expected a verb, found none; spatten --help lists them");
  const std::string& first = words[0];
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (first == "--version") {
    print_standard_output("spatten " SPATTEN_VERSION "\n");
  } else if (first == "--help" || first == "-h" || (first == "help" && rest.empty())) {
    print_standard_output(overview(environment));
  } else if (first == "help") {
    print_standard_output(verb_help(get_verb(rest[0]), environment));
  } else if (first.starts_with("-")) {
    throw UsageError(fmt::format("unknown option \"{}\"{}; options of a verb stand after it", printable(first),
                                 did_you_mean(first, {"--help", "--version"})));
  } else {
    run_verb(get_verb(first), rest, environment);
  }
  return 0;
}

}  // namespace spatten::app

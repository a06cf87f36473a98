// SPDX-License-Identifier: Apache-2.0
// A verb of the command line: `spatten classify ...`. Each lives in a file of its own; the list is verbs.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "spatten/app/environment.h"
#include "spatten/app/option_kinds.h"

namespace spatten::app {

/// What --help says besides the options.
struct VerbHelp {
  const char* summary;    // a line for the list of verbs
  const char* arguments;  // after the options in the usage line: "TEXT..."
  const char* details;    // a paragraph or two, may be empty
  const char* example;    // arguments of a call that works from the repository root as it is
};

class Verb {
 public:
  virtual ~Verb() = default;
  virtual VerbHelp help() const = 0;
  virtual void add_options(CLI::App& app) = 0;
  /// Throws Error, UsageError or Cancelled.
  virtual void run(const Arguments& arguments, Environment& environment) = 0;
};

struct VerbEntry {
  const char* name;
  const char* group;  // heading in the list of verbs
  std::unique_ptr<Verb> (*make)();
};

/// All verbs, in the order in which they are listed to the user.
const std::vector<VerbEntry>& verbs();

std::unique_ptr<Verb> make_classify();
std::unique_ptr<Verb> make_answer();
std::unique_ptr<Verb> make_embed();
std::unique_ptr<Verb> make_rerank();
std::unique_ptr<Verb> make_fill();
std::unique_ptr<Verb> make_generate();
std::unique_ptr<Verb> make_perplexity();
std::unique_ptr<Verb> make_tokenize();
std::unique_ptr<Verb> make_inspect();
std::unique_ptr<Verb> make_trace();
std::unique_ptr<Verb> make_simulate();
std::unique_ptr<Verb> make_dram();
std::unique_ptr<Verb> make_bench();
std::unique_ptr<Verb> make_demo();

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// The items of a text verb: arguments, files and standard input, in this order as the user gave them; a line is a text
// or a JSON object. Items come one at a time, so that a file may be larger than memory.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spatten/app/environment.h"
#include "spatten/app/line_reader.h"
#include "spatten/app/options.h"
#include "spatten/base/json_tree.h"

namespace spatten::app {

/// Which keys a line of JSON has, and where they go.
enum class ItemShape {
  kText,     // {"id", "text"[, "pair"]}
  kContext,  // {"id", "question", "context"}: context -> text, question -> pair
  kQuery,    // {"id", "query", "passages"}: query -> text
};

struct Item {
  Json id;            // as given (a string or an integer), else the item's number, from 0
  std::string place;  // "reviews.txt:17", "argument 2"
  std::string text;
  std::optional<std::string> pair;
  std::vector<std::string> passages;
};

struct ItemRules {
  ItemShape shape = ItemShape::kText;
  bool allow_empty = false;         // of `text`
  std::optional<std::string> pair;  // for lines and arguments that bring none (--pair, --question)
};

class ItemReader {
 public:
  /// An argument "-" is standard input. Throws UsageError when there is no input at all.
  ItemReader(const Arguments& arguments, const InputOptions& options, ItemRules rules, const std::atomic<bool>* cancelled);

  /// False after the last item. Throws Error naming file and line for broken JSON, bad UTF-8 or an empty text.
  bool next(Item& out);

  /// Items that will come, when it is known without reading (arguments only).
  std::optional<std::size_t> expected_items() const;

 private:
  struct Source {
    bool is_file;
    std::string value;  // the path, or the argument's text
  };
  bool next_line(std::string& line, std::string& place);
  void parse(std::string line, const std::string& place, Item& out) const;
  void parse_json(std::string line, const std::string& place, Item& out) const;

  std::vector<Source> sources_;
  ItemRules rules_;
  bool json_lines_;
  const std::atomic<bool>* cancelled_;
  std::size_t next_source_ = 0, arguments_ = 0, items_ = 0;
  std::unique_ptr<LineReader> reader_;
};

/// Throws Error "PLACE:byte N: ..." unless `text` is UTF-8.
void require_utf8(const std::string& text, const std::string& place);

}  // namespace spatten::app

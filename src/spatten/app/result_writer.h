// SPDX-License-Identifier: Apache-2.0
// Results of a text verb, one by one in input order: as JSON lines or for people, with the looks at the pruning that the
// user asked for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spatten/app/environment.h"
#include "spatten/app/options.h"
#include "spatten/app/output.h"
#include "spatten/app/pruning_story.h"
#include "spatten/base/json_tree.h"

namespace spatten::app {

struct ItemResult {
  Json fields = Json::object();  // the verb's own, in order
  std::string line;              // for people, without a line end
  Work work;
  Json timing = Json::object();
  Json chip;         // what it needs on the chip, when that was asked for (--simulate)
  std::string note;  // further lines for people
  std::optional<PruningStory> story;  // when pruning was recorded
};

class ResultWriter {
 public:
  /// Stories that a page holds at most; a note tells when there were more.
  static constexpr std::size_t kMaxPageStories = 100;

  /// Opens --output. `verb` heads the page.
  ResultWriter(const CommonOptions& options, const Environment& environment, std::string verb);

  void write(const Json& id, ItemResult result);
  Output& output() { return output_; }
  /// The first half of finish(): --output and --html are complete but for their names.
  void prepare();
  /// Completes --output and --html and, with --verbose, says what all of it took.
  void finish();

 private:
  void show(const PruningStory& story);

  const CommonOptions& options_;
  const Environment& environment_;
  std::string verb_;
  Output output_;
  std::optional<OutputFile> page_;
  std::vector<PruningStory> page_stories_;
  std::size_t results_ = 0, stories_ = 0;
  Work work_;
};

}  // namespace spatten::app

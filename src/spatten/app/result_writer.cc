// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/result_writer.h"

#include "spatten/app/errors.h"
#include "spatten/app/pruning_page.h"
#include "spatten/app/pruning_view.h"
#include "spatten/app/result_json.h"

namespace spatten::app {

ResultWriter::ResultWriter(const CommonOptions& options, const Environment& environment, std::string verb)
    : options_(options), environment_(environment), verb_(std::move(verb)), output_(options.output) {
  if (!options.html.empty()) page_.emplace(options.html);
}

void ResultWriter::write(const Json& id, ItemResult result) {
  results_ += 1;
  work_ += result.work;
  if (options_.json) {
    Json line = {{"id", id}};
    line.update(result.fields);
    line["work"] = to_json(result.work);
    line["timing"] = std::move(result.timing);
    if (result.story) line["pruning"] = pruning_json(*result.story);
    if (!result.chip.is_null()) line["chip"] = std::move(result.chip);
    output_.write_json(line);
  } else {
    for (const std::string& text : {result.line, result.note}) {
      if (!text.empty()) output_.write(text + "\n");
    }
  }
  if (!result.story) return;
  stories_ += 1;
  if (options_.show_pruning) show(*result.story);
  if (page_ && page_stories_.size() < kMaxPageStories) page_stories_.push_back(std::move(*result.story));
}

void ResultWriter::show(const PruningStory& story) {
  const Terminal& t = environment_.terminal;
  if (options_.json) {  // standard output is for the JSON
    fmt::print(stderr, "{}\n", pruning_view(story, t.width, t.error_colour));
  } else {
    output_.write(pruning_view(story, t.width, t.colour && output_.is_standard_output()) + "\n");
  }
}

void ResultWriter::prepare() {
  if (page_) {
    page_->write(pruning_page("SpAtten: " + verb_, page_stories_));
    page_->prepare();
  }
  output_.prepare();
}

void ResultWriter::finish() {
  output_.finish();
  if (page_) {
    page_->commit();
    if (stories_ > page_stories_.size() && !options_.quiet) {
      print_note(fmt::format("{}: shows the first {} of {} texts", options_.html, page_stories_.size(), stories_));
    }
  }
  if (options_.verbose) print_note(fmt::format("{} results, {}", results_, work_sentence(work_)));
}

}  // namespace spatten::app

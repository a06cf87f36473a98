// SPDX-License-Identifier: Apache-2.0
// How one text went through a pruned model, ready to be shown: words instead of word pieces, and for each the layer that
// it did not reach. The terminal view, the page and the JSON field "pruning" are three looks at this.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "spatten/base/json.h"
#include "spatten/layers/context.h"
#include "spatten/model/config.h"
#include "spatten/model/tokenizer/tokenizer.h"

namespace spatten::app {

struct StoryToken {
  std::string name;         // as the tokenizer names it: "##ing"
  std::string text;         // as a reader sees it: "ing"
  bool joins = false;       // no space before it
  bool special = false;     // [CLS], [SEP]
  bool generated = false;   // made by the model, not given
};

struct PruningStory {
  std::string title;        // what came out: "positive 98.3 %"
  std::string policy;       // its name
  std::vector<StoryToken> tokens;
  PruningReport report;
  Work work;
  std::size_t heads = 0;    // per layer, before pruning

  std::size_t layers() const { return report.survivors.size(); }
};

/// `report` must have been recorded (RunOptions::record_pruning); where the policy has no cascade (quantization alone) all
/// tokens and heads stay. Tokens that the run never saw (a last generated token) are left out.
PruningStory make_story(const Tokenizer& tokenizer, std::span<const std::int32_t> ids, const RunReport& report,
                        const ModelConfig& config);

/// For each token the first layer that it did not enter; layers() for one that entered all.
std::vector<std::size_t> layers_reached(const PruningStory& story);

/// Neighbouring pieces of one word that left together.
struct StoryWord {
  std::size_t first = 0, count = 1;  // tokens
  std::string text;
  bool joins = false, special = false, generated = false;
  std::size_t reached = 0;           // see layers_reached
};
std::vector<StoryWord> story_words(const PruningStory& story);

/// Executed over dense operations of a layer; 1 where there is nothing to compare.
double layer_work_ratio(const PruningStory& story, std::size_t layer);

/// "work 61 % (1.2 of 2.0 million operations), K and V read 35 % (12 of 34 KB)"
std::string work_sentence(const Work& work);

/// part / whole, 1 when whole is 0.
double ratio(std::uint64_t part, std::uint64_t whole);
/// "61 %"; "<1 %" for a little and "0 %" only for nothing.
std::string percent(double ratio);
/// "1.2 million", "34.1 KB"
std::string count_text(std::uint64_t count);
std::string bytes_text(std::uint64_t bytes);

/// The field "pruning" of docs/interface.md.
Json pruning_json(const PruningStory& story);

}  // namespace spatten::app

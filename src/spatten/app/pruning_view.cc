// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/pruning_view.h"

#include <fmt/format.h>

namespace spatten::app {
namespace {

constexpr std::size_t kBarColumns = 10, kIndent = 2;

std::string dots(std::size_t columns) {
  std::string out;
  for (std::size_t i = 0; i < columns; ++i) out += "·";
  return out;
}

std::string word_at(const StoryWord& word, std::size_t layer, bool colour) {
  if (layer < word.reached) return styled(word.text, word.special ? Style::kDim : Style::kPlain, colour);
  if (colour && layer == word.reached) return styled(word.text, Style::kStruck, true);
  return styled(dots(display_width(word.text)), Style::kDim, colour);
}

/// The words as they stand in one layer, in lines of at most `columns`; the same breaks in every layer.
std::vector<std::string> sentence(const std::vector<StoryWord>& words, std::size_t layer, std::size_t columns, bool colour) {
  std::vector<std::string> lines{""};
  std::size_t used = 0;
  for (const StoryWord& w : words) {
    const std::size_t width = display_width(w.text), gap = used > 0 && !w.joins ? 1 : 0;
    if (used > 0 && used + gap + width > columns) {
      lines.emplace_back();
      used = 0;
    } else if (gap > 0) {
      lines.back() += ' ';
      used += 1;
    }
    lines.back() += word_at(w, layer, colour);
    used += width;
  }
  return lines;
}

std::string numbers_of_layer(const PruningStory& story, std::size_t layer, bool colour) {
  const double work = layer_work_ratio(story, layer);
  return fmt::format("{:>5}  {:>7}  {:>5}  {} {:>5}", layer,
                     fmt::format("{}/{}", story.report.survivors[layer].size(), story.tokens.size()),
                     fmt::format("{}/{}", layer < story.report.heads.size() ? story.report.heads[layer].size() : story.heads, story.heads),
                     styled(bar(work, kBarColumns), Style::kGreen, colour), percent(work));
}

}  // namespace

std::string pruning_view(const PruningStory& story, std::size_t columns, bool colour) {
  constexpr std::size_t kNumbersColumns = 5 + 2 + 7 + 2 + 5 + 2 + kBarColumns + 1 + 5;
  const std::vector<StoryWord> words = story_words(story);
  std::size_t whole = 0;
  for (const StoryWord& w : words) whole += display_width(w.text) + (w.joins ? 0 : 1);
  const bool beside = kNumbersColumns + 1 + whole <= columns;

  std::string out = styled("layer   tokens  heads  work", Style::kDim, colour) + "\n";
  for (std::size_t layer = 0; layer < story.layers(); ++layer) {
    out += numbers_of_layer(story, layer, colour);
    const auto lines = sentence(words, layer, beside ? whole : columns - kIndent, colour);
    if (beside) {
      out += "  " + lines[0] + "\n";
    } else {
      out += "\n";
      for (const std::string& line : lines) out += std::string(kIndent, ' ') + line + "\n";
    }
  }
  return out + wrapped(work_sentence(story.work), 0, columns);
}

}  // namespace spatten::app

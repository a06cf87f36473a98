// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/pruning_story.h"

#include <algorithm>
#include <numeric>

#include "spatten/app/result_json.h"
#include "spatten/app/terminal.h"

namespace spatten::app {
namespace {

template <class T>
std::vector<T> count_up(std::size_t count) {
  std::vector<T> out(count);
  std::iota(out.begin(), out.end(), T{0});
  return out;
}

/// Tokens of the run, the ones that were pruned included: the scores cover all of them.
std::size_t tokens_in(const PruningReport& report) {
  std::size_t n = report.token_scores.size();
  for (const auto& layer : report.survivors) {
    if (!layer.empty()) n = std::max<std::size_t>(n, layer.back() + std::size_t{1});
  }
  return n;
}

StoryToken make_token(const Tokenizer& tokenizer, std::int32_t id, bool first) {
  StoryToken token;
  token.name = tokenizer.token(id);
  token.special = tokenizer.is_special(id);
  token.text = token.special ? token.name : tokenizer.token_bytes(id);
  // token_bytes says with its first byte whether a word starts here.
  const bool space = !token.text.empty() && (token.text[0] == ' ' || token.text[0] == '\n');
  token.joins = !token.special && !space && !first;
  if (!token.special && token.text.starts_with(' ')) token.text.erase(0, 1);
  if (token.text.empty()) token.text = " ";
  return token;
}

}  // namespace

PruningStory make_story(const Tokenizer& tokenizer, std::span<const std::int32_t> ids, const RunReport& report,
                        const ModelConfig& config) {
  PruningStory story;
  story.report = report.pruning;
  story.work = report.work;
  story.heads = config.heads;
  if (story.report.survivors.empty()) {
    story.report.survivors.assign(config.layers, count_up<std::uint32_t>(ids.size()));
    story.report.heads.assign(config.layers, count_up<std::uint32_t>(config.heads));
  }
  const std::size_t count = std::min(ids.size(), tokens_in(story.report));
  for (std::size_t i = 0; i < count; ++i) {
    story.tokens.push_back(make_token(tokenizer, ids[i], i == 0));
    if (i > 0 && story.tokens[i - 1].special) story.tokens[i].joins = false;
  }
  return story;
}

std::vector<std::size_t> layers_reached(const PruningStory& story) {
  std::vector<std::size_t> reached(story.tokens.size(), 0);
  for (std::size_t layer = 0; layer < story.layers(); ++layer) {
    for (const std::uint32_t token : story.report.survivors[layer]) {
      if (token < reached.size()) reached[token] = layer + 1;
    }
  }
  return reached;
}

std::vector<StoryWord> story_words(const PruningStory& story) {
  const std::vector<std::size_t> reached = layers_reached(story);
  std::vector<StoryWord> words;
  for (std::size_t i = 0; i < story.tokens.size(); ++i) {
    const StoryToken& t = story.tokens[i];
    if (t.joins && !words.empty() && words.back().reached == reached[i] && words.back().generated == t.generated) {
      words.back().count += 1;
      words.back().text += t.text;
    } else {
      words.push_back({i, 1, t.text, t.joins, t.special, t.generated, reached[i]});
    }
  }
  for (StoryWord& w : words) w.text = one_line(w.text);  // a byte-level piece alone may be half a character
  return words;
}

double layer_work_ratio(const PruningStory& story, std::size_t layer) {
  if (layer >= story.report.layer_ops.size() || layer >= story.report.layer_ops_dense.size()) return 1;
  return ratio(story.report.layer_ops[layer], story.report.layer_ops_dense[layer]);
}

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 1 : static_cast<double>(part) / static_cast<double>(whole);
}

std::string percent(double value) {
  if (value > 0 && value < 0.01) return "<1 %";
  return fmt::format("{:.0f} %", value * 100);
}

std::string count_text(std::uint64_t count) {
  const double c = static_cast<double>(count);
  if (c < 1e4) return fmt::format("{}", count);
  if (c < 1e6) return fmt::format("{:.0f} thousand", c / 1e3);
  if (c < 1e9) return fmt::format("{:.1f} million", c / 1e6);
  return fmt::format("{:.1f} billion", c / 1e9);
}

std::string bytes_text(std::uint64_t bytes) {
  const double b = static_cast<double>(bytes);
  if (b < 1e3) return fmt::format("{} B", bytes);
  if (b < 1e6) return fmt::format("{:.1f} KB", b / 1e3);
  if (b < 1e9) return fmt::format("{:.1f} MB", b / 1e6);
  return fmt::format("{:.1f} GB", b / 1e9);
}

std::string work_sentence(const Work& work) {
  return fmt::format("work {} ({} of {} operations), K and V read {} ({} of {})", percent(ratio(work.ops_executed, work.ops_dense_equivalent)),
                     count_text(work.ops_executed), count_text(work.ops_dense_equivalent),
                     percent(ratio(work.kv_bytes_read, work.kv_bytes_dense)), bytes_text(work.kv_bytes_read),
                     bytes_text(work.kv_bytes_dense));
}

Json pruning_json(const PruningStory& story) {
  Json out = Json::object();
  out["tokens"] = Json::array();
  for (const StoryToken& t : story.tokens) out["tokens"].push_back(t.name);
  out["survivors"] = story.report.survivors;
  out["heads"] = story.report.heads;
  out["token_scores"] = numbers(story.report.token_scores);
  const algo::Schedule& schedule = story.report.schedule;
  out["schedule"] = {{"tokens", schedule.tokens}, {"heads", schedule.heads}, {"values", schedule.values}};
  return out;
}

}  // namespace spatten::app

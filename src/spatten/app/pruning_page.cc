// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/pruning_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "spatten/app/page_style.h"
#include "spatten/app/pruning_page_style.h"
#include "spatten/app/result_json.h"
#include "spatten/app/terminal.h"

namespace spatten::app {
namespace {

/// Accumulated score of a word after each layer: the sum over its pieces.
Json scores_of(const PruningStory& story, const StoryWord& word) {
  Json out = Json::array();
  for (const auto& layer : story.report.layer_scores) {
    float sum = 0;
    for (std::size_t t = word.first; t < word.first + word.count && t < layer.size(); ++t) sum += layer[t];
    out.push_back(number(sum));
  }
  return out;
}

Json data_of(const PruningStory& story, const std::vector<StoryWord>& words) {
  Json out = {{"layers", story.layers()}, {"words", Json::array()}};
  for (const StoryWord& w : words) out["words"].push_back({{"text", w.text}, {"reached", w.reached}, {"scores", scores_of(story, w)}});
  return out;
}

/// JSON inside a <script>: without "<" nothing can end the element early.
std::string script_json(const Json& value) {
  std::string out;
  for (const char c : dump_json(value)) {
    if (c == '<' || c == '>' || c == '&') {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out;
}

std::string bar_html(double share) {
  return fmt::format("<div class=\"bar\"><i style=\"width:{:.1f}%\"></i></div>", 100 * std::clamp(share, 0.0, 1.0));
}

std::string heads_html(const PruningStory& story, std::size_t layer) {
  if (layer >= story.report.heads.size()) return "";
  const auto& alive = story.report.heads[layer];
  std::string dots;
  for (std::uint32_t h = 0; h < story.heads; ++h) {
    dots += std::find(alive.begin(), alive.end(), h) != alive.end() ? "<span></span>" : "<span class=\"off\"></span>";
  }
  return fmt::format("<div>heads <b>{}</b> of {}</div><div class=\"heads\">{}</div>", alive.size(), story.heads, dots);
}

std::string word_html(const StoryWord& word, std::size_t story, std::size_t index, std::size_t layer) {
  std::string classes = "w";
  if (word.joins) classes += " joins";
  if (word.special) classes += " special";
  if (word.generated) classes += " made";
  if (layer > word.reached) classes += " gone";
  if (layer == word.reached) classes += " leaves";
  // One stop for the Tab key per word, not one per word and layer.
  const char* focus = layer == 0 ? " tabindex=\"0\"" : "";
  return fmt::format("{}<span class=\"{}\" data-w=\"{}.{}\"{}>{}</span>", word.joins ? "" : " ", classes, story, index, focus,
                     escape_html(word.text));
}

std::string layer_html(const PruningStory& story, const std::vector<StoryWord>& words, std::size_t number, std::size_t layer) {
  const double work = layer_work_ratio(story, layer);
  std::string sentence;
  for (std::size_t i = 0; i < words.size(); ++i) sentence += word_html(words[i], number, i, layer);
  return fmt::format(
      "<div class=\"layer\"><div class=\"facts\"><div>layer <b>{}</b> · tokens <b>{}</b> of {}</div>"
      "<div>work <b>{}</b></div>{}{}</div><div class=\"words\">{}</div></div>\n",
      layer, story.report.survivors[layer].size(), story.tokens.size(), percent(work), bar_html(work), heads_html(story, layer), sentence);
}

std::string total_html(const char* name, std::uint64_t part, std::uint64_t whole, const std::string& part_text,
                       const std::string& whole_text) {
  return fmt::format("<div>{}<b>{}</b>{}<span class=\"soft\">{} of {}</span></div>", name, percent(ratio(part, whole)),
                     bar_html(ratio(part, whole)), part_text, whole_text);
}

std::string story_html(const PruningStory& story, const std::vector<StoryWord>& words, std::size_t number) {
  const Work& w = story.work;
  const std::size_t left = story.layers() == 0 ? story.tokens.size() : story.report.survivors.back().size();
  std::string out = fmt::format("<article><h2>{}</h2><p class=\"soft\">policy {}</p>\n<div class=\"totals\">", escape_html(one_line(story.title)),
                                escape_html(one_line(story.policy)));
  out += total_html("operations", w.ops_executed, w.ops_dense_equivalent, count_text(w.ops_executed), count_text(w.ops_dense_equivalent));
  out += total_html("bytes of K and V read", w.kv_bytes_read, w.kv_bytes_dense, bytes_text(w.kv_bytes_read), bytes_text(w.kv_bytes_dense));
  out += total_html("tokens in the last layer", left, story.tokens.size(), fmt::format("{}", left), fmt::format("{}", story.tokens.size()));
  out += "</div>\n";
  for (std::size_t layer = 0; layer < story.layers(); ++layer) out += layer_html(story, words, number, layer);
  return out + "</article>\n";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

std::string pruning_page(const std::string& heading, const std::vector<PruningStory>& stories) {
  std::string articles;
  Json data = Json::array();
  for (std::size_t i = 0; i < stories.size(); ++i) {
    const std::vector<StoryWord> words = story_words(stories[i]);
    articles += story_html(stories[i], words, i);
    data.push_back(data_of(stories[i], words));
  }
  const std::string title = escape_html(one_line(heading));
  return fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{0}</title>\n<style>{5}{1}</style></head>\n"
      "<body><main><h1>{0}</h1>\n<p class=\"soft\">Each row is a layer of the model. A word that is struck through left before this "
      "layer, a pale one earlier; a bar is the work of the layer next to the same layer without pruning. "
      "Point at a word for its score in each layer.</p>\n"
      "{2}</main>\n<aside id=\"card\" aria-live=\"polite\"><span class=\"soft\">Point at a word, or move to it with the Tab key.</span></aside>\n"
      "<script type=\"application/json\" id=\"data\">{3}</script>\n<script>{4}</script>\n</body></html>\n",
      title, kPageStyle, articles, script_json(data), kPageScript, kBaseStyle);
}

}  // namespace spatten::app

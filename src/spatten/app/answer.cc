// SPDX-License-Identifier: Apache-2.0
// `spatten answer`: the piece of a context that answers a question.
#include "spatten/app/option_kinds.h"
#include "spatten/app/result_json.h"
#include "spatten/app/text_verb.h"
#include "spatten/app/verb.h"
#include "spatten/model/tasks/answer.h"

namespace spatten::app {
namespace {

constexpr std::uint64_t kMaxTokens = 1 << 20;

/// The window in which the answer stands; the first one for no answer.
std::size_t window_of(const std::string& context, const Answer& r) {
  if (r.answer.empty()) return 0;
  for (std::size_t w = 0; w < r.windows.size(); ++w) {
    const Encoding& e = r.windows[w];
    std::vector<Offset> offsets;
    for (std::size_t i = 0; i < e.size(); ++i) {
      if (e.type_ids[i] == 1 && (e.flags[i] & kSpecial) == 0) offsets.push_back(e.offsets[i]);
    }
    if (offsets.empty()) continue;
    const auto characters = character_offsets(context, {offsets.front(), offsets.back()});
    if (characters[0].begin <= r.start_char && r.end_char <= characters[1].end) return w;
  }
  return 0;
}

class AnswerVerb final : public Verb {
 public:
  VerbHelp help() const override {
    return {"find the answer to a question in a context", "--question Q CONTEXT... | - | --file FILE",
            "A context that is longer than the model is read in windows. JSON lines hold \"question\" and \"context\".",
            "--model models/answer-small --question \"Who designed the tower?\" "
            "\"The tower was built in 1889. It was designed by Gustave Eiffel for the World Fair in Paris.\""};
  }

  void add_options(CLI::App& app) override {
    add_text(app, "--question", question_, "Q", "the question about each context");
    add_flag(app, "--allow-no-answer", answer_.allow_no_answer, "an empty answer when that scores best (SQuAD 2)");
    add_number(app, "--no-answer-threshold", threshold_, {-1e6, 1e6}, "how much better no answer must be (default: 0)");
    add_integer(app, "--max-answer-tokens", answer_.max_answer_tokens, {1, kMaxTokens}, "longest answer (default: 30)");
    add_integer(app, "--window", answer_.max_length, {8, kMaxTokens}, "tokens of a window (default: 384)");
    add_integer(app, "--stride", answer_.stride, {0, kMaxTokens}, "tokens that neighbouring windows share (default: 128)");
    add_model_options(app, options_);
    add_input_options(app, input_, options_);
    add_output_options(app, options_);
    add_view_options(app, options_);
    add_run_options(app, options_);
  }

  void run(const Arguments& arguments, Environment& environment) override {
    if (question_.empty() && !input_.json_lines) throw UsageError("--question", "", "expected a question, found none");
    answer_.no_answer_threshold = static_cast<float>(threshold_);
    ItemRules rules{.shape = ItemShape::kContext, .allow_empty = false, .pair = {}};
    if (!question_.empty()) rules.pair = question_;
    with_text_verb("answer", {options_, input_, arguments, environment}, rules, [&](const TextVerbContext& c) {
      c.session.model().as_bert("answer");
      run_text_verb(
          c, "answer",
          [&](std::span<const Item> items, const RunOptions& run) {
            std::vector<Question> questions;
            for (const Item& i : items) questions.push_back({*i.pair, i.text});
            return answer(c.session.model(), questions, answer_, run);
          },
          [&](const Item& item, const Answer& r, double seconds) { c.writer.write(item.id, result(c.session, item, r, seconds)); });
    });
  }

 private:
  static ItemResult result(const Session& session, const Item& item, const Answer& r, double seconds) {
    ItemResult out;
    out.fields = {{"answer", r.answer},         {"start_char", r.start_char},
                  {"end_char", r.end_char},     {"score", number(r.score)},
                  {"no_answer_score", number(r.no_answer_score)}, {"windows", r.windows.size()}};
    const std::string shown = r.answer.empty() ? "(no answer)" : one_line(r.answer);
    out.line = fmt::format("{}  (score {:.2f}, characters {}-{})", shown, r.score, r.start_char, r.end_char);
    for (const RunReport& report : r.reports) out.work += report.work;
    out.timing = {{"seconds", seconds}};
    const std::size_t window = window_of(item.text, r);
    if (session.records_pruning() && window < r.reports.size()) {
      out.story = story_of(session, r.windows[window], r.reports[window], fmt::format("{} {}", one_line(*item.pair), shown));
    }
    return out;
  }

  CommonOptions options_;
  InputOptions input_;
  AnswerOptions answer_;
  std::string question_;
  double threshold_ = 0;
};

}  // namespace

std::unique_ptr<Verb> make_answer() { return std::make_unique<AnswerVerb>(); }

}  // namespace spatten::app

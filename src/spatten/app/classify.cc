// SPDX-License-Identifier: Apache-2.0
// `spatten classify`: a label for each text or pair of texts.
#include "spatten/app/live_chip.h"
#include "spatten/app/option_kinds.h"
#include "spatten/app/result_json.h"
#include "spatten/app/text_verb.h"
#include "spatten/app/verb.h"
#include "spatten/model/tasks/classify.h"

namespace spatten::app {
namespace {

class Classify final : public Verb {
 public:
  VerbHelp help() const override {
    return {"label texts, or pairs of texts, by a sequence classifier", "TEXT... | - | --file FILE",
            "Prints the label, its probability and the text, one line per text.",
            "--model models/sst2-small --policy tokens-half \"a gripping and funny film\" \"two hours that I want back\""};
  }

  void add_options(CLI::App& app) override {
    add_text(app, "--pair", pair_, "TEXT", "second text of each pair (JSON lines bring their own as \"pair\")");
    add_model_options(app, options_);
    add_input_options(app, input_, options_);
    add_output_options(app, options_);
    add_view_options(app, options_);
    add_live_chip_options(app, live_);
    add_run_options(app, options_);
  }

  void run(const Arguments& arguments, Environment& environment) override {
    ItemRules rules;
    if (!pair_.empty()) rules.pair = pair_;
    std::optional<LiveChip> chip = make_live_chip(live_, options_, environment);
    if (chip) input_.batch = 1;  // a trace of its own for each text
    with_text_verb("classify", {options_, input_, arguments, environment}, rules, [&](const TextVerbContext& c) {
      c.session.model().as_bert("classify");
      std::size_t label_columns = 0;
      for (const std::string& l : c.session.model().config.labels) label_columns = std::max(label_columns, display_width(l));
      run_text_verb(
          c, "classify",
          [&](std::span<const Item> items, RunOptions run) {
            std::vector<TextInput> texts;
            if (chip) chip->attach(run, c.session);
            for (const Item& i : items) texts.push_back({i.text, i.pair});
            return classify(c.session.model(), texts, run);
          },
          [&](const Item& item, const Classification& r, double seconds) {
            ItemResult out = result(c.session, item, r, seconds, label_columns);
            if (chip) add_need(out, chip->simulate(item.text, c.session));
            c.writer.write(item.id, std::move(out));
          });
    });
  }

 private:
  static ItemResult result(const Session& session, const Item& item, const Classification& r, double seconds,
                           std::size_t label_columns) {
    ItemResult out;
    out.fields = {{"label", r.label}, {"label_id", r.label_id}, {"scores", numbers(r.scores)}, {"logits", numbers(r.logits)}};
    const double score = r.scores.empty() ? 0 : static_cast<double>(r.scores[r.label_id]);
    out.line = fmt::format("{}  {:5.1f} %  {}", pad_right(one_line(r.label), label_columns), 100 * score, one_line(item.text));
    if (item.pair) out.line += " | " + one_line(*item.pair);
    out.work = r.report.work;
    out.timing = {{"seconds", seconds}};
    if (session.records_pruning()) {
      out.story = story_of(session, r.encoding, r.report, fmt::format("{} ({:.1f} %)", r.label, 100 * score));
    }
    return out;
  }

  CommonOptions options_;
  InputOptions input_;
  LiveChipOptions live_;
  std::string pair_;
};

}  // namespace

std::unique_ptr<Verb> make_classify() { return std::make_unique<Classify>(); }

}  // namespace spatten::app

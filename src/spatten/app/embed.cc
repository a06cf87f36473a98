// SPDX-License-Identifier: Apache-2.0
// `spatten embed`: a vector for each text.
#include "spatten/app/option_kinds.h"
#include "spatten/app/result_json.h"
#include "spatten/app/text_verb.h"
#include "spatten/app/verb.h"
#include "spatten/model/tasks/embed.h"

namespace spatten::app {
namespace {

class Embed final : public Verb {
 public:
  VerbHelp help() const override {
    return {"turn texts into vectors", "TEXT... | - | --file FILE",
            "Without --json a line holds the numbers of one vector, separated by spaces.",
            "--model models/sst2-small --pooling mean --normalize --json \"a gripping and funny film\""};
  }

  void add_options(CLI::App& app) override {
    add_choice(app, "--pooling", {"mean", "cls"}, [this](std::size_t i) { pooling_ = i == 0 ? Pooling::kMean : Pooling::kCls; },
               "mean over the tokens (default), or the state of [CLS]");
    add_flag(app, "--normalize", normalize_, "vectors of length 1");
    add_model_options(app, options_);
    add_input_options(app, input_, options_);
    add_output_options(app, options_);
    add_view_options(app, options_);
    add_run_options(app, options_);
  }

  void run(const Arguments& arguments, Environment& environment) override {
    with_text_verb("embed", {options_, input_, arguments, environment}, {}, [&](const TextVerbContext& c) {
      c.session.model().as_bert("embed");
      run_text_verb(
          c, "embed",
          [&](std::span<const Item> items, const RunOptions& run) {
            std::vector<std::string> texts;
            for (const Item& i : items) texts.push_back(i.text);
            return embed(c.session.model(), texts, pooling_, normalize_, run);
          },
          [&](const Item& item, const Embedding& r, double seconds) {
            c.writer.write(item.id, result(c.session, item, r, seconds));
          });
    });
  }

 private:
  static ItemResult result(const Session& session, const Item& item, const Embedding& r, double seconds) {
    ItemResult out;
    const Json vector = numbers(r.embedding);
    out.fields = {{"embedding", vector}};
    for (const Json& v : vector) out.line += (out.line.empty() ? "" : " ") + dump_json(v);
    out.work = r.report.work;
    out.timing = {{"seconds", seconds}};
    if (session.records_pruning()) out.story = story_of(session, r.encoding, r.report, fit(one_line(item.text), 60));
    return out;
  }

  CommonOptions options_;
  InputOptions input_;
  Pooling pooling_ = Pooling::kMean;
  bool normalize_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_embed() { return std::make_unique<Embed>(); }

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// `spatten fill`: the most probable tokens at each [MASK].
#include "spatten/app/option_kinds.h"
#include "spatten/app/result_json.h"
#include "spatten/app/text_verb.h"
#include "spatten/app/verb.h"
#include "spatten/model/tasks/fill.h"

namespace spatten::app {
namespace {

constexpr std::uint64_t kMaxTop = 1000;

class Fill final : public Verb {
 public:
  VerbHelp help() const override {
    return {"fill in [MASK] by a masked language model", "TEXT... | - | --file FILE",
            "Every [MASK] of a text gets the --top most probable tokens.",
            "--model models/fill-small \"Lily went to the [MASK] with her mom.\""};
  }

  void add_options(CLI::App& app) override {
    add_integer(app, "--top", top_, {1, kMaxTop}, "tokens per mask (default: 5)");
    add_model_options(app, options_);
    add_input_options(app, input_, options_);
    add_output_options(app, options_);
    add_view_options(app, options_);
    add_run_options(app, options_);
  }

  void run(const Arguments& arguments, Environment& environment) override {
    with_text_verb("fill", {options_, input_, arguments, environment}, {}, [&](const TextVerbContext& c) {
      c.session.model().as_bert("fill");
      run_text_verb(
          c, "fill",
          [&](std::span<const Item> items, const RunOptions& run) {
            std::vector<std::string> texts;
            for (const Item& i : items) texts.push_back(i.text);
            return fill(c.session.model(), texts, top_, run);
          },
          [&](const Item& item, const Filled& r, double seconds) { c.writer.write(item.id, result(c.session, item, r, seconds)); });
    });
  }

 private:
  static ItemResult result(const Session& session, const Item& item, const Filled& r, double seconds) {
    ItemResult out;
    Json predictions = Json::array();
    out.line = one_line(item.text);
    for (std::size_t mask = 0; mask < r.masks.size(); ++mask) {
      out.line += fmt::format("\n  mask {}:", mask + 1);
      for (const Prediction& p : r.masks[mask]) {
        predictions.push_back(
            {{"token", p.token}, {"probability", number(p.probability)}, {"token_id", p.token_id}, {"mask", mask}});
        out.line += fmt::format(" {} ({:.1f} %)", one_line(p.token), 100 * p.probability);
      }
    }
    out.fields = {{"predictions", predictions}};
    out.work = r.report.work;
    out.timing = {{"seconds", seconds}};
    if (session.records_pruning()) out.story = story_of(session, r.encoding, r.report, fit(one_line(item.text), 60));
    return out;
  }

  CommonOptions options_;
  InputOptions input_;
  std::size_t top_ = 5;
};

}  // namespace

std::unique_ptr<Verb> make_fill() { return std::make_unique<Fill>(); }

}  // namespace spatten::app

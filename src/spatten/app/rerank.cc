// SPDX-License-Identifier: Apache-2.0
// `spatten rerank`: passages in the order in which they fit a query, by a cross-encoder.
#include "spatten/app/option_kinds.h"
#include "spatten/app/result_json.h"
#include "spatten/app/text_verb.h"
#include "spatten/app/verb.h"
#include "spatten/model/tasks/classify.h"
#include "spatten/model/tasks/text.h"

namespace spatten::app {
namespace {

constexpr std::uint64_t kMaxTop = 1'000'000;

class Rerank final : public Verb {
 public:
  VerbHelp help() const override {
    return {"order passages by how well they fit a query", "--query Q PASSAGE... | - | --file FILE",
            "A sequence classifier reads query and passage together; its one logit, or the logit of its last label, is the "
            "score. Best first. JSON lines hold \"query\" and \"passages\".",
            "--model models/sst2-small --query \"what a film\" \"dull and far too long\" \"a joy from start to end\""};
  }

  void add_options(CLI::App& app) override {
    add_text(app, "--query", query_, "Q", "the query that all passages are compared with");
    add_integer(app, "--top", top_, {1, kMaxTop}, "print only the best so many (default: all)");
    add_model_options(app, options_);
    add_input_options(app, input_, options_);
    add_output_options(app, options_);
    add_view_options(app, options_);
    add_run_options(app, options_);
  }

  void run(const Arguments& arguments, Environment& environment) override {
    if (query_.empty() && !input_.json_lines) throw UsageError("--query", "", "expected a query, found none");
    require_utf8(query_, "--query");
    ItemRules rules;
    if (input_.json_lines) rules.shape = ItemShape::kQuery;
    with_text_verb("rerank", {options_, input_, arguments, environment}, rules, [&](const TextVerbContext& c) {
      c.session.model().as_bert("rerank");
      if (input_.json_lines) {
        for (Item item; c.reader.next(item);) rank(c, item);
      } else {
        rank(c, whole_input(c.reader));
      }
      finish_together(c.session, c.writer);
    });
  }

 private:
  /// In plain text all lines are passages of the one query.
  Item whole_input(ItemReader& reader) const {
    Item all;
    all.id = 0;
    all.place = "--query";
    all.text = query_;
    for (Item item; reader.next(item);) all.passages.push_back(std::move(item.text));
    if (all.passages.empty()) throw Error("--query", "", "expected at least one passage, found none");
    return all;
  }

  void rank(const TextVerbContext& c, const Item& item) const {
    std::vector<RankedPassage> ranked;
    double seconds = 0;
    try {
      seconds = seconds_of([&] { ranked = rank_in_parts(c, item); });
    } catch (const UsageError&) {
      throw;
    } catch (const Error& e) {
      throw Error(item.place, "", e.what());
    }
    const std::size_t shown = top_ == 0 ? ranked.size() : std::min(top_, ranked.size());
    for (std::size_t i = 0; i < shown; ++i) c.writer.write(item.id, result(c.session, item, ranked[i], seconds));
    c.writer.output().flush();
  }

  /// Runs `--batch` passages at a time; a score depends on its own passage only, so the parts merge by sorting.
  static std::vector<RankedPassage> rank_in_parts(const TextVerbContext& c, const Item& item) {
    const std::size_t most = c.session.tracing() ? 1 : c.batch_items;
    std::vector<RankedPassage> all;
    for (std::size_t first = 0; first < item.passages.size(); first += most) {
      const std::size_t end = std::min(first + most, item.passages.size());
      const std::vector<std::string> part(item.passages.begin() + static_cast<std::ptrdiff_t>(first),
                                          item.passages.begin() + static_cast<std::ptrdiff_t>(end));
      for (RankedPassage& p : rerank(c.session.model(), item.text, part, c.session.run_options())) {
        p.index += first;
        all.push_back(std::move(p));
      }
    }
    std::sort(all.begin(), all.end(), [](const RankedPassage& a, const RankedPassage& b) {
      return a.score != b.score ? a.score > b.score : a.index < b.index;
    });
    return all;
  }

  static ItemResult result(Session& session, const Item& item, const RankedPassage& r, double seconds) {
    const RunOptions run = session.run_options();
    const std::string& passage = item.passages[r.index];
    ItemResult out;
    out.fields = {{"index", r.index}, {"score", number(r.score)}, {"text", passage}};
    out.line = fmt::format("{:>8.3f}  {:>3}  {}", r.score, r.index, one_line(passage));
    out.work = r.report.work;
    out.timing = {{"seconds", seconds / static_cast<double>(item.passages.size())}};
    if (session.records_pruning()) {
      const Encoding encoding = encode_text(session.model(), item.text, passage, run);
      out.story = story_of(session, encoding, r.report, fmt::format("{:.3f}: {}", r.score, fit(one_line(passage), 60)));
    }
    return out;
  }

  CommonOptions options_;
  InputOptions input_;
  std::string query_;
  std::size_t top_ = 0;  // 0: all
};

}  // namespace

std::unique_ptr<Verb> make_rerank() { return std::make_unique<Rerank>(); }

}  // namespace spatten::app

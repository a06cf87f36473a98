// SPDX-License-Identifier: Apache-2.0
// `spatten perplexity`: how well a language model predicts a text.
#include "spatten/app/option_kinds.h"
#include "spatten/app/result_json.h"
#include "spatten/app/text_verb.h"
#include "spatten/app/verb.h"
#include "spatten/model/tasks/perplexity.h"

namespace spatten::app {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;
constexpr std::uint64_t kMaxWindow = 1 << 20;

class PerplexityVerb final : public Verb {
 public:
  VerbHelp help() const override {
    return {"how well a language model predicts a text", "FILE... | - | --text TEXT",
            "Windows with a stride; each token is predicted once. Under a policy that prunes generation the text is fed token by "
            "token, as decoding would see it.",
            "--model models/stories-small --text \"Once upon a time there was a little girl who had a red ball.\""};
  }

  void add_options(CLI::App& app) override {
    add_integer(app, "--window", perplexity_.window, {2, kMaxWindow}, "tokens of a window (default: the model's limit)");
    add_integer(app, "--stride", perplexity_.stride, {1, kMaxWindow}, "tokens from window to window (default: half a window)");
    add_list(app, "--file", files_, "FILE", "a text file; the same as an argument");
    add_text(app, "--text", text_, "TEXT", "the text itself, in place of a file");
    add_model_options(app, options_);
    add_output_options(app, options_);
    add_text(app, "--trace", options_.trace, "FILE", "record the run for a simulator (see spatten trace)");
    add_run_options(app, options_);
  }

  void run(const Arguments& arguments, Environment& environment) override {
    std::vector<std::string> files = arguments;
    files.insert(files.end(), files_.begin(), files_.end());
    check(options_, files);
    if (files.empty() && text_.empty()) throw UsageError("expected a text file, --text TEXT or - (standard input), found no input");
    if (perplexity_.window > 0 && perplexity_.stride > perplexity_.window) {
      throw UsageError("--stride", "", fmt::format("expected at most the window of {}, found {}", perplexity_.window, perplexity_.stride));
    }
    ResultWriter writer(options_, environment, "perplexity");
    Session session(options_, environment);
    session.model().as_gpt2("perplexity");
    if (!text_.empty()) writer.write("--text", measure(session, "--text", text_, environment));
    for (const std::string& file : files) {
      const std::string text = read_text(file, kMaxTextBytes, environment.cancelled);
      writer.write(file, measure(session, file == "-" ? "standard input" : file, text, environment));
    }
    finish_together(session, writer);
  }

 private:
  ItemResult measure(Session& session, const std::string& name, const std::string& text, const Environment& environment) const {
    require_utf8(text, name);
    Progress progress("perplexity", std::nullopt, !options_.quiet && environment.terminal.error_is_terminal);
    PerplexityOptions asked = perplexity_;
    asked.progress = [&](std::size_t done, std::size_t total) {
      progress.set_total(total);
      progress.update(done);
    };
    Perplexity p;
    double seconds = 0;
    try {
      seconds = seconds_of([&] { p = perplexity(session.model(), text, asked, session.run_options()); });
    } catch (const UsageError&) {
      throw;
    } catch (const Error& e) {
      throw Error(name, "", e.what());
    }
    ItemResult out = result(name, p, seconds);
    if (session.records_pruning()) out.story = story(session, name, p);
    return out;
  }

  static PruningStory story(const Session& session, const std::string& name, const Perplexity& p) {
    PruningStory out = make_story(*session.model().tokenizer, p.last_window, p.report, session.model().config);
    out.title = fit(one_line(name), 60);
    out.policy = session.policy_name();
    return out;
  }

  static ItemResult result(const std::string& name, const Perplexity& p, double seconds) {
    ItemResult out;
    out.fields = {{"perplexity", number(p.perplexity)},
                  {"nll_per_token", number(p.nll_per_token)},
                  {"tokens", p.tokens},
                  {"perplexity_per_word", number(p.perplexity_per_word)},
                  {"bits_per_byte", number(p.bits_per_byte)},
                  {"window", p.window},
                  {"stride", p.stride}};
    out.line = fmt::format(
        "{}: perplexity {:.3f} per token, {:.1f} per word, {:.3f} bits per byte ({} tokens, {} words, {} bytes, {:.1f} s)",
        one_line(name), p.perplexity, p.perplexity_per_word, p.bits_per_byte, p.tokens, p.words, p.bytes, seconds);
    out.work = p.report.work;
    out.timing = {{"seconds", seconds}};
    return out;
  }

  CommonOptions options_;
  PerplexityOptions perplexity_;
  std::vector<std::string> files_;
  std::string text_;
};

}  // namespace

std::unique_ptr<Verb> make_perplexity() { return std::make_unique<PerplexityVerb>(); }

}  // namespace spatten::app

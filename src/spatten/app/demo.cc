// SPDX-License-Identifier: Apache-2.0
// `spatten demo`: the main job in a few seconds. Real sentences and a story through the bundled models, dense beside
// pruned: results, words that stayed, work, measured time, and the page for a browser.
#include <algorithm>

#include "spatten/app/errors.h"
#include "spatten/app/live_chip.h"
#include "spatten/app/option_kinds.h"
#include "spatten/app/output.h"
#include "spatten/app/pruning_page.h"
#include "spatten/app/pruning_view.h"
#include "spatten/app/quantities.h"
#include "spatten/app/session.h"
#include "spatten/app/text_verb.h"
#include "spatten/app/verb.h"
#include "spatten/model/tasks/classify.h"
#include "spatten/model/tasks/generate.h"

namespace spatten::app {
namespace {

constexpr std::size_t kColumns = 80, kTimedRuns = 7;

const std::vector<TextInput>& sentences() {
  static const std::vector<TextInput> kSentences{
      {"a quiet, warm and often very funny film about two sisters who learn to trust each other again", {}},
      {"the plot makes no sense, the jokes fall flat and the ending goes on for what feels like an hour", {}},
      {"she gives the best performance of her career in a story that stays with you for days", {}},
      {"it is a shame that so much money was spent on something so dull and lifeless", {}},
      {"despite a slow start, the second half is gripping, clever and beautifully shot", {}},
      {"the director has no idea what kind of movie he wants to make, and neither will you", {}},
      {"rarely has a film for children been this smart, this tender and this much fun for their parents", {}},
      {"i wanted to like it, but the characters are thin and the dialogue is painful to hear", {}},
  };
  return kSentences;
}

constexpr const char* kPrompt = "Once upon a time there was a little fox who lived in the woods. One day";

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::string outcome(const Classification& c) {
  return fmt::format("{} {:5.1f} %", pad_right(c.label, 8), 100 * c.scores[c.label_id]);
}

/// The words that entered the last layer.
std::string survivors(const PruningStory& story) {
  std::string out;
  for (const StoryWord& w : story_words(story)) {
    const bool word = !w.special && w.text.find_first_not_of(" .,;:!?'\"-") != std::string::npos;
    if (word && w.reached == story.layers()) out += (out.empty() || w.joins ? "" : " ") + w.text;
  }
  return out.empty() ? "(only [CLS])" : out;
}

class Demo final : public Verb {
 public:
  VerbHelp help() const override {
    return {"what pruning does, on real models, in a few seconds", "",
            "Classifies sentences and writes a story, dense and pruned side by side, and leaves a page for your browser.",
            "--html /tmp/spatten-demo.html"};
  }

  void add_options(CLI::App& app) override {
    add_text(app, "--classifier", classifier_, "DIR", "model that labels the sentences (default: models/sst2-small)");
    add_text(app, "--generator", generator_, "DIR", "model that writes the story (default: models/stories-small)");
    add_text(app, "--policy", policy_, "NAME|FILE", "pruning of the classifier (default: tokens-half)");
    add_text(app, "--generator-policy", generator_policy_, "NAME|FILE", "pruning of the generator (default: kv-4x)");
    add_text(app, "--html", html_, "FILE", "the page (default: spatten-demo.html in this folder)");
    add_run_options(app, options_);
  }

  void run(const Arguments& arguments, Environment& environment) override {
    if (!arguments.empty()) throw UsageError(fmt::format("expected no argument, found \"{}\"", printable(arguments[0])));
    environment_ = &environment;
    columns_ = std::min(environment.terminal.width, kColumns);
    OutputFile page(html_);
    LiveChip chip({}, {}, options_.threads > 0 ? options_.threads : ThreadPool::available_cores(), environment);
    chip_ = &chip;
    std::vector<PruningStory> stories;
    say(styled("SpAtten: transformers that drop the tokens they do not need (HPCA 2021)", Style::kBold, colour()) + "\n\n");
    show_classifier(stories);
    show_generator(stories);
    show_chip();
    page.write(pruning_page("SpAtten: what was pruned", stories));
    page.commit();
    say_what_next();
  }

 private:
  bool colour() const { return environment_->terminal.colour; }
  void say(const std::string& text) const { print_standard_output(text); }
  void paragraph(const std::string& text) const { say(wrapped(text, 2, columns_) + "\n"); }
  void heading(const std::string& text) const { say(styled(text, Style::kCyan, colour()) + "\n"); }

  /// Options of a session of its own: one model, one policy, pruning on record.
  CommonOptions options_for(const std::string& model, const std::string& policy) const {
    CommonOptions o = options_;
    o.model = model;
    o.policy = policy;
    o.html = html_;
    return o;
  }

  void show_classifier(std::vector<PruningStory>& stories) {
    Session session(options_for(classifier_, policy_), *environment_);
    const RunOptions pruned_run = session.run_options();
    RunOptions dense_run = pruned_run;
    dense_run.policy = nullptr;
    dense_run.record_pruning = false;
    const auto dense = classify(session.model(), sentences(), dense_run);
    const auto pruned = classify(session.model(), sentences(), pruned_run);

    heading("1. Is the review good or bad? Every word read in every layer, and pruned");
    paragraph(fmt::format("{}, {} layers; pruned by the policy {}. Words that no later layer needed leave on the way; \"kept\" are those "
                          "that reached the last layer.",
                          session.model().folder, session.model().config.layers, policy_));
    Work work;
    std::size_t agree = 0;
    for (std::size_t i = 0; i < dense.size(); ++i) {
      stories.push_back(story_of(session, pruned[i].encoding, pruned[i].report, outcome(pruned[i]) + ": " + sentences()[i].text));
      show_sentence(sentences()[i].text, dense[i], pruned[i], stories.back());
      work += pruned[i].report.work;
      agree += dense[i].label_id == pruned[i].label_id ? 1 : 0;
    }
    paragraph(fmt::format("{} of {} labels agree. {}.", agree, dense.size(), capital(work_sentence(work))));
    show_time(session, dense_run, pruned_run);

    heading("2. One sentence on its way through the layers");
    say(pruning_view(stories.front(), columns_, colour()) + "\n");

    const auto on_chip = [&](RunOptions run, const char* name) {
      chip_->attach(run, session);
      classify(session.model(), {sentences().front()}, run);
      return chip_->recorded(name);
    };
    needs_.push_back({"The sentence above", on_chip(pruned_run, "sentence, pruned"), on_chip(dense_run, "sentence, dense")});
  }

  void show_sentence(const std::string& text, const Classification& dense, const Classification& pruned,
                     const PruningStory& story) const {
    const Style style = pruned.label_id == dense.label_id ? Style::kGreen : Style::kRed;
    const Work& w = story.work;
    say(wrapped(text, 2, columns_));
    say(fmt::format("    dense   {}\n", outcome(dense)));
    const std::string kept = wrapped("kept: " + survivors(story), 38, columns_);
    say(fmt::format("    pruned  {}  work {:>5}  {}\n", styled(outcome(pruned), style, colour()),
                    percent(ratio(w.ops_executed, w.ops_dense_equivalent)), kept.substr(std::min<std::size_t>(kept.size(), 38))));
  }

  void show_time(const Session& session, const RunOptions& dense_run, RunOptions pruned_run) const {
    pruned_run.record_pruning = false;
    std::vector<double> dense, pruned;
    for (std::size_t i = 0; i < kTimedRuns; ++i) {  // in turn, so that both see the same machine
      dense.push_back(seconds_of([&] { classify(session.model(), sentences(), dense_run); }));
      pruned.push_back(seconds_of([&] { classify(session.model(), sentences(), pruned_run); }));
    }
    const double d = median(dense), p = median(pruned);
    paragraph(fmt::format("Time for all {}, median of {} runs: dense {:.1f} ms, pruned {:.1f} ms: {:.2f} times the speed.",
                          sentences().size(), kTimedRuns, 1e3 * d, 1e3 * p, d / p));
  }

  void show_generator(std::vector<PruningStory>& stories) {
    Session session(options_for(generator_, generator_policy_), *environment_);
    const RunOptions pruned_run = session.run_options();
    RunOptions dense_run = pruned_run;
    dense_run.policy = nullptr;
    dense_run.record_pruning = false;
    heading(fmt::format("3. A story: the whole cache of keys and values, and the policy {}", generator_policy_));
    paragraph(fmt::format("{}; the most probable token each time.", session.model().folder));
    RunOptions recorded_dense = dense_run, recorded_pruned = pruned_run;
    chip_->attach(recorded_dense, session);
    const Generation dense = tell(session, "dense", recorded_dense);
    ChipRun dense_chip = chip_->recorded("story, dense");
    chip_->attach(recorded_pruned, session);
    const Generation pruned = tell(session, "pruned", recorded_pruned);
    needs_.push_back({fmt::format("The story, {} tokens", pruned.token_ids.size()), chip_->recorded("story, pruned"), std::move(dense_chip)});
    paragraph(fmt::format("K and V read while writing: {} dense, {} pruned, {:.1f} times less.", bytes_text(dense.report.work.kv_bytes_read),
                          bytes_text(pruned.report.work.kv_bytes_read),
                          ratio(dense.report.work.kv_bytes_read, std::max<std::uint64_t>(1, pruned.report.work.kv_bytes_read))));
    std::vector<std::int32_t> ids = pruned.prompt_ids;
    ids.insert(ids.end(), pruned.token_ids.begin(), pruned.token_ids.end());
    PruningStory story = make_story(*session.model().tokenizer, ids, pruned.report, session.model().config);
    for (std::size_t i = pruned.prompt_ids.size(); i < story.tokens.size(); ++i) story.tokens[i].generated = true;
    story.title = "A story: what the last token still saw";
    story.policy = session.policy_name();
    stories.push_back(std::move(story));
  }

  Generation tell(const Session& session, const char* name, const RunOptions& run) const {
    GenerateOptions how;
    how.max_tokens = 100;
    how.clock = steady_seconds;
    const Generation g = generate(session.model(), {kPrompt}, how, run).front();
    const double decoded = static_cast<double>(g.token_ids.size()) - 1;
    say(fmt::format("  {} cache {} at the end, {:.0f} tokens/s\n", styled(pad_right(name, 7), Style::kBold, colour()), bytes_text(g.kv_bytes),
                    g.decode_seconds > 0 ? decoded / g.decode_seconds : 0));
    say(wrapped(one_line(kPrompt + g.text), 4, columns_) + "\n");
    return g;
  }

  /// The same sentence and story, attention only, on the chip.
  void show_chip() const {
    heading("4. What the chip would need for this attention, simulated cycle by cycle");
    say(fmt::format("  {:<22}{:>9}{:>12}{:>12}{:>12}\n", "", "cycles", "time", "DRAM", "energy"));
    for (const Need& need : needs_) {
      say(fmt::format("  {}\n", need.name));
      for (const auto& [name, run] : {std::pair{"dense, fp32", &need.dense}, {"pruned", &need.pruned}}) {
        say(fmt::format("    {:<18}{:>11}{:>12}{:>12}{:>12}\n", name, grouped(run->result.cycles), fmt::format("{:.1f} us", run->seconds() * 1e6),
                        bytes_text(run->dram_bytes()), fmt::format("{:.4f} mJ", run->energy.total.total() * 1e3)));
      }
      const auto times = [](double dense, double pruned) { return fmt::format("{:.2f} x", pruned > 0 ? dense / pruned : 1); };
      say(fmt::format("    {:<18}{:>11}{:>12}{:>12}{:>12}\n", "less by", times(static_cast<double>(need.dense.result.cycles), static_cast<double>(need.pruned.result.cycles)), "",
                      times(static_cast<double>(need.dense.dram_bytes()), static_cast<double>(need.pruned.dram_bytes())),
                      times(need.dense.energy.total.total(), need.pruned.energy.total.total())));
    }
    paragraph("1024 multipliers, 16 channels of HBM2 at 512 GB/s (configs/hw/spatten.json); projections and feed-forward run elsewhere. "
              "Energy and area are calibrated on the paper's Table II and Fig. 13.");
  }

  void say_what_next() const {
    const std::string& program = environment_->program;
    heading("Next");
    say(fmt::format("  Open {} in a browser: every sentence, every layer, every score.\n", html_));
    say("  With a model of your own (a Hugging Face folder of BERT or GPT-2):\n");
    say(fmt::format("    {} classify --model DIR --policy tokens-half --show-pruning \"TEXT\"\n", program));
    say(fmt::format("    {} generate --model DIR --policy kv-4x --html story.html \"PROMPT\"\n", program));
    say(fmt::format("  The chip on a workload of your own, as a page: {} simulate --help\n", program));
    say(fmt::format("  All verbs: {} --help\n", program));
  }

  static std::string capital(std::string text) {
    if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
    return text;
  }

  struct Need {
    std::string name;
    ChipRun pruned, dense;
  };

  CommonOptions options_;
  std::string classifier_ = "models/sst2-small", generator_ = "models/stories-small";
  std::string policy_ = "tokens-half", generator_policy_ = "kv-4x", html_ = "spatten-demo.html";
  const Environment* environment_ = nullptr;
  LiveChip* chip_ = nullptr;
  std::vector<Need> needs_;
  std::size_t columns_ = kColumns;
};

}  // namespace

std::unique_ptr<Verb> make_demo() { return std::make_unique<Demo>(); }

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// `spatten generate`: text that goes on from a prompt, shown while it is made.
#include "spatten/app/live_chip.h"
#include "spatten/app/option_kinds.h"
#include "spatten/app/result_json.h"
#include "spatten/app/text_verb.h"
#include "spatten/app/verb.h"
#include "spatten/model/tasks/generate.h"

namespace spatten::app {
namespace {

constexpr std::uint64_t kMaxTokens = 1 << 20;

class Generate final : public Verb {
 public:
  VerbHelp help() const override {
    return {"continue a prompt", "PROMPT... | - | --file FILE",
            "Prints prompt and text as they come; with --json one object when a text is done. Temperature 0 takes the most "
            "probable token each time. --show-pruning and --html show what was left in the cache at the last token.",
            "--model models/stories-small --policy kv-4x --max-tokens 60 \"Once upon a time\""};
  }

  void add_options(CLI::App& app) override {
    add_integer(app, "--max-tokens", generate_.max_tokens, {1, kMaxTokens}, "tokens to make at most (default: 64)");
    add_number(app, "--temperature", generate_.temperature, {0, 100}, "0: the most probable token (default); 1: as trained");
    add_integer(app, "--top-k", generate_.top_k, {0, kMaxTokens}, "sample from the k most probable tokens (default: 0, all)");
    add_number(app, "--top-p", generate_.top_p, {0, 1}, "sample from the most probable tokens of this sum (default: 1)");
    add_list(app, "--stop", generate_.stop, "TEXT", "end before this text; may be repeated");
    add_flag(app, "--no-echo", no_echo_, "print only what was made, not the prompt");
    add_model_options(app, options_);
    add_input_options(app, input_, options_);
    add_output_options(app, options_);
    add_view_options(app, options_);
    add_live_chip_options(app, live_);
    add_run_options(app, options_);
  }

  void run(const Arguments& arguments, Environment& environment) override {
    for (const std::string& s : generate_.stop) {
      require_utf8(s, "--stop");
      if (s.empty()) throw UsageError("--stop", "", "expected a text, found an empty one");
    }
    if (generate_.top_p <= 0) throw UsageError("--top-p", "", "expected a number above 0, found 0");
    std::optional<LiveChip> chip = make_live_chip(live_, options_, environment);
    const ItemRules rules{.shape = ItemShape::kText, .allow_empty = true, .pair = {}};
    with_text_verb("generate", {options_, input_, arguments, environment}, rules, [&](TextVerbContext c) {
      c.session.model().as_gpt2("generate");
      const bool streaming = !options_.json;
      if (streaming || chip) c.batch_items = 1;  // one text after the other
      std::size_t done = 0;
      run_text_verb(
          c, "generate",
          [&](std::span<const Item> items, RunOptions run) {
            if (chip) chip->attach(run, c.session);
            return generate_batch(c, items, run, streaming, done);
          },
          [&](const Item& item, const Generation& r, double seconds) {
            done += 1;
            if (streaming) c.writer.output().write("\n");
            ItemResult out = result(c, item, r, seconds);
            if (chip) add_need(out, chip->simulate(item.text, c.session));
            c.writer.write(item.id, std::move(out));
          });
    });
  }

 private:
  std::vector<Generation> generate_batch(const TextVerbContext& c, std::span<const Item> items, RunOptions run, bool streaming,
                                         std::size_t done) const {
    std::vector<std::string> prompts;
    for (const Item& i : items) prompts.push_back(i.text);
    GenerateOptions generate = generate_;
    generate.clock = steady_seconds;
    run.seed += done;  // prompt i samples with seed + i, whatever the batch
    Output& out = c.writer.output();
    if (streaming) {
      const bool terminal = c.environment.terminal.out_is_terminal && out.is_standard_output();
      const auto show = [&out, terminal](std::string_view text, Style style, bool colour) {
        out.write(terminal ? styled(safe_text(text), style, colour) : valid_utf8(text));
        out.flush();
      };
      if (!no_echo_) show(prompts[0], Style::kDim, c.environment.terminal.colour);
      generate.on_text = [show](std::size_t, std::string_view piece) { show(piece, Style::kPlain, false); };
    }
    return spatten::generate(c.session.model(), prompts, generate, run);
  }

  static ItemResult result(const TextVerbContext& c, const Item& item, const Generation& r, double seconds) {
    ItemResult out;
    out.fields = {{"text", valid_utf8(r.text)}, {"token_ids", r.token_ids}, {"finish_reason", finish_reason_name(r.finish_reason)}};
    // Its first token comes out of the prompt pass.
    const double decoded = r.token_ids.empty() ? 0 : static_cast<double>(r.token_ids.size() - 1);
    out.timing = {{"seconds", seconds}, {"prompt_seconds", r.prompt_seconds}, {"decode_seconds", r.decode_seconds}};
    out.timing["decode_tokens_per_second"] = r.decode_seconds > 0 ? number(decoded / r.decode_seconds) : Json(0.0);
    out.work = r.report.work;
    if (c.session.records_pruning()) out.story = story(c.session, item, r);
    if (c.options.verbose) {
      fmt::print(stderr, "spatten: {} tokens, {} left in {} of cache (dense: {}), {:.0f} tokens/s\n", r.token_ids.size(),
                 finish_reason_name(r.finish_reason), bytes_text(r.kv_bytes), bytes_text(r.kv_bytes_dense),
                 r.decode_seconds > 0 ? decoded / r.decode_seconds : 0);
    }
    return out;
  }

  static PruningStory story(const Session& session, const Item& item, const Generation& r) {
    std::vector<std::int32_t> ids = r.prompt_ids;
    ids.insert(ids.end(), r.token_ids.begin(), r.token_ids.end());
    PruningStory out = make_story(*session.model().tokenizer, ids, r.report, session.model().config);
    for (std::size_t i = r.prompt_ids.size(); i < out.tokens.size(); ++i) out.tokens[i].generated = true;
    out.title = fit(one_line(item.text), 60) + " ...";
    out.policy = session.policy_name();
    return out;
  }

  CommonOptions options_;
  InputOptions input_;
  LiveChipOptions live_;
  GenerateOptions generate_;
  bool no_echo_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_generate() { return std::make_unique<Generate>(); }

}  // namespace spatten::app

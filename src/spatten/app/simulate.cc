// SPDX-License-Identifier: Apache-2.0
// `spatten simulate`: a workload on the chip, cycle by cycle.
#include <fmt/format.h>

#include <filesystem>

#include "spatten/algo/policy_file.h"
#include "spatten/app/chip_options.h"
#include "spatten/app/chip_page.h"
#include "spatten/app/chip_text.h"
#include "spatten/app/errors.h"
#include "spatten/app/locations.h"
#include "spatten/app/option_kinds.h"
#include "spatten/app/options.h"
#include "spatten/app/output.h"
#include "spatten/app/progress.h"
#include "spatten/app/quantities.h"
#include "spatten/app/session.h"
#include "spatten/app/trace_input.h"
#include "spatten/app/verb.h"
#include "spatten/study/chip_json.h"
#include "spatten/trace/synthetic.h"

namespace spatten::app {
namespace {

constexpr std::uint64_t kMaxTokens = 1 << 20, kMaxThreads = 1024, kMaxBatch = 1 << 20, kMaxCycle = std::uint64_t{1} << 62;
constexpr std::uint32_t kDefaultContext = 992, kDefaultTokens = 32, kDefaultLength = 128;  // context and tokens: HPCA'21 V-A

/// Where a run is read from, and what it is called.
struct Input {
  std::unique_ptr<trace::Source> source;
  std::string name;
};

class Simulate final : public Verb {
 public:
  VerbHelp help() const override {
    return {"run a workload on the chip, cycle by cycle", "FILE | --model NAME",
            "FILE is a trace of spatten trace or a CSV of the authors. --model NAME makes up the trace of a model of configs/model "
            "under a policy, from its shape alone. Prints time, work, DRAM traffic, energy, area and what each unit did.",
            "--model gpt2-medium --policy paper-gpt2-medium --context 992 --generate 8"};
  }

  void add_options(CLI::App& app) override {
    add_list(app, "--set", overrides_, "KEY=VALUE", "change a key of the chip, of the memory (memory.KEY) or of the policy; may be repeated");
    add_integer(app, "--batch", simulation_.batch, {1, kMaxBatch}, "each row of generation stands for so many queries on the same K and V");
    const std::string workload = "Workload without a trace";
    add_text(app, "--model", model_, "NAME", "a model of configs/model, a config.json or a model folder", workload);
    add_text(app, "--policy", policy_, "NAME|FILE", "pruning: a preset of configs/pruning or a JSON file (default: none)", workload);
    add_integer(app, "--context", context_, {1, kMaxTokens}, "decoders: tokens before the first generated one (default: 992)", workload);
    add_integer(app, "--generate", generate_, {1, kMaxTokens}, "decoders: tokens to generate (default: 32)", workload);
    add_flag(app, "--prompt", prompt_, "decoders: the pass over the prompt is part of the run", workload);
    add_integer(app, "--length", length_, {1, kMaxTokens}, "encoders: tokens of the text (default: 128)", workload);
    add_number(app, "--lsb-ratio", lsb_ratio_, {0, 1}, "share of rows that fetch low bits under progressive quantization (default: 0.059, the paper's)", workload);
    add_chip_options(app, chip_);
    const std::string output = "Output";
    add_flag(app, "--json", json_, "one JSON object (fields: docs/interface.md)", output);
    add_text(app, "-o,--output", output_, "FILE", "write there, in place of standard output", output);
    add_text(app, "--stats", stats_, "FILE", "every counter, as a JSON tree (docs/formats/stats.md)", output);
    add_text(app, "--html", html_, "FILE", "a page for a browser: cycles, joules, area, roofline, layers", output);
    add_text(app, "--timeline", timeline_, "FILE", "what each unit did, for ui.perfetto.dev; of the first 200,000 cycles unless told", output);
    add_integer(app, "--timeline-from", window_.from, {0, kMaxCycle}, "first cycle of the timeline (default: 0)", output);
    add_integer(app, "--timeline-cycles", timeline_cycles_, {1, kMaxCycle}, "cycles of the timeline (default: 200000)", output);
    add_integer(app, "--threads", threads_, {1, kMaxThreads}, "threads (default: the cores that the process may use); changes no result", "Run");
    add_flag(app, "-q,--quiet", quiet_, "no progress, notes or warnings", "Run");
  }

  void run(const Arguments& arguments, Environment& environment) override {
    check(arguments);
    const Overrides overrides = split_overrides(overrides_);
    if (model_.empty() && !overrides.policy.empty()) {
      throw UsageError("--set", "", fmt::format("expected keys of a policy only with --model, found \"{}\"", printable(overrides.policy[0])));
    }
    const ChipSetup setup = load_chip_setup(chip_, overrides, environment);
    require_distinct(output_files(), inputs(arguments, setup, environment));
    Outputs outputs(*this);
    const Input input = model_.empty() ? Input{open_trace(arguments[0], environment.cancelled), arguments[0]} : synthetic(overrides.policy, environment);
    std::optional<sim::Timeline> timeline;
    if (!timeline_.empty()) timeline.emplace(window());
    const ChipRun result = simulate(input, setup, timeline, environment);
    outputs.write(*this, result, timeline, environment);
    if (result.result.partial) throw Cancelled();
  }

 private:
  /// All files are opened before the run, so that one that cannot be written fails at once.
  struct Outputs {
    explicit Outputs(const Simulate& s) : report(s.output_) {
      if (!s.stats_.empty()) stats.emplace(s.stats_);
      if (!s.html_.empty()) html.emplace(s.html_);
      if (!s.timeline_.empty()) timeline.emplace(s.timeline_);
    }
    void write(const Simulate& s, const ChipRun& run, const std::optional<sim::Timeline>& drawn, const Environment& environment) {
      if (s.json_) {
        report.write_json(chip_json(run));
      } else {
        Terminal terminal = environment.terminal;
        terminal.colour = terminal.colour && report.is_standard_output();
        report.write(chip_text(run, terminal));
      }
      if (stats) stats->write(dump_json(chip_stats(run), 1) + "\n");
      if (html) html->write(chip_page(run, environment.command));
      if (timeline) drawn->write(*timeline, run.clock_hz);
      if (timeline && drawn->slices() == 0 && !s.quiet_) {
        print_note(fmt::format("{}: nothing is drawn: the window begins at cycle {}, and the units are done at cycle {}", printable(s.timeline_),
                               grouped(s.window_.from), grouped(run.result.cycles - run.result.fc_cycles)));
      }
      const auto files = {&stats, &html, &timeline};
      for (auto* file : files) {
        if (*file) (*file)->prepare();
      }
      report.prepare();
      for (auto* file : files) {
        if (*file) (*file)->commit();
      }
      report.finish();
    }
    Output report;
    std::optional<OutputFile> stats, html, timeline;
  };

  void check(const Arguments& arguments) const {
    if (arguments.size() > 1) throw UsageError(fmt::format("expected one trace, found {}: \"{}\"", arguments.size(), printable(arguments[1])));
    if (arguments.empty() && model_.empty()) throw UsageError("expected a trace file, or --model NAME for a synthetic workload; found neither");
    if (!arguments.empty() && !model_.empty()) {
      throw UsageError("--model", "", fmt::format("expected a trace or a model, found both (\"{}\")", printable(arguments[0])));
    }
    const bool shaped = policy_ != "none" || context_ > 0 || generate_ > 0 || length_ > 0 || prompt_ || lsb_ratio_ >= 0;
    if (model_.empty() && shaped) {
      throw UsageError("--policy, --context, --generate, --length, --prompt and --lsb-ratio belong to --model: a trace has all of that in it");
    }
  }

  std::vector<NamedFile> output_files() const {
    return {{"--output", output_}, {"--stats", stats_}, {"--html", html_}, {"--timeline", timeline_}};
  }

  std::vector<NamedFile> inputs(const Arguments& arguments, const ChipSetup& setup, const Environment& environment) const {
    std::vector<NamedFile> out = chip_files(chip_, setup, environment);
    if (model_.empty()) {
      out.push_back({"the trace", arguments[0]});
    } else {
      out.push_back({"--model", model_file(environment)});
      out.push_back({"--policy", policy_});
    }
    return out;
  }

  sim::Timeline::Window window() const {
    sim::Timeline::Window out = window_;
    out.to = window_.from + timeline_cycles_;
    return out;
  }

  std::string model_file(const Environment& environment) const {
    if (is_directory(model_)) return join_path(model_, "config.json");
    return find_data_file("--model", model_, "configs/model", environment.data_roots);
  }

  Input synthetic(const std::vector<std::string>& policy_overrides, const Environment& environment) const {
    const ModelConfig config = load_model_config(model_file(environment));
    const bool decoder = config.family == Family::kGpt2;
    if (decoder && length_ > 0) throw UsageError("--length", "", "expected --context and --generate for a decoder, found --length");
    if (!decoder && (context_ > 0 || generate_ > 0 || prompt_)) throw UsageError("--context, --generate and --prompt are for decoders; an encoder has --length");
    CommonOptions common;
    common.policy = policy_;
    common.overrides = policy_overrides;
    trace::Workload work;
    work.model = model_;
    work.shape = shape_of(config);
    work.policy = chosen_policy(common, environment).value_or(algo::Policy());
    work.prompt_pass = prompt_ || !decoder;
    if (lsb_ratio_ >= 0) work.lsb_row_ratio = lsb_ratio_;
    if (decoder) {
      work.prompt_length = context_ > 0 ? context_ : std::min(kDefaultContext, config.max_positions - 1);
      const std::uint32_t room = config.max_positions - std::min(config.max_positions - 1, work.prompt_length);
      work.generated_tokens = generate_ > 0 ? generate_ : std::min(kDefaultTokens, room);
    } else {
      work.prompt_length = length_ > 0 ? length_ : std::min(kDefaultLength, config.max_positions);
    }
    const std::uint64_t tokens = std::uint64_t{work.prompt_length} + work.generated_tokens;
    if (tokens > config.max_positions) {
      throw UsageError(decoder ? "--context" : "--length", "", fmt::format("expected at most {} tokens{}, the limit of {}, found {}", config.max_positions, decoder ? " with those to generate" : "", model_, tokens));
    }
    std::string name = model_ + (decoder ? fmt::format(", {} tokens after a context of {}", work.generated_tokens, work.prompt_length) : fmt::format(", a text of {} tokens", work.prompt_length));
    name += ", policy " + policy_;
    for (const std::string& o : policy_overrides) name += " " + o;
    return {std::make_unique<trace::SyntheticSource>(work), name};
  }

  ChipRun simulate(const Input& input, const ChipSetup& setup, std::optional<sim::Timeline>& timeline, const Environment& environment) {
    const Terminal& t = environment.terminal;
    Progress progress("rows", std::nullopt, !quiet_ && t.error_is_terminal);
    simulation_.progress = [&](std::uint64_t rows) { progress.update(rows); };
    simulation_.stop = environment.cancelled;
    simulation_.timeline = timeline ? &*timeline : nullptr;
    simulation_.threads = static_cast<std::uint32_t>(threads_ > 0 ? threads_ : ThreadPool::available_cores());
    if (timeline) simulation_.threads = 1;  // it is drawn by one thread
    return run_on_chip(*input.source, input.name, setup, simulation_);
  }

  ChipOptions chip_;
  std::vector<std::string> overrides_;
  sim::SimulationOptions simulation_;
  std::string model_, policy_ = "none", output_, stats_, html_, timeline_;
  std::uint32_t context_ = 0, generate_ = 0, length_ = 0;  // 0: the default
  double lsb_ratio_ = -1;                                  // below 0: the default
  sim::Timeline::Window window_;
  std::uint64_t timeline_cycles_ = 200'000;
  std::size_t threads_ = 0;
  bool prompt_ = false, json_ = false, quiet_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_simulate() { return std::make_unique<Simulate>(); }

}  // namespace spatten::app

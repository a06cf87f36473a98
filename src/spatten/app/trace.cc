// SPDX-License-Identifier: Apache-2.0
// `spatten trace`: records what a run did per layer and head, converts traces, sums them up.
#include "spatten/app/errors.h"
#include "spatten/app/option_kinds.h"
#include "spatten/app/text_verb.h"
#include "spatten/app/trace_input.h"
#include "spatten/app/verb.h"
#include "spatten/model/tasks/embed.h"
#include "spatten/model/tasks/generate.h"
#include "spatten/trace/authors_csv.h"
#include "spatten/trace/summary.h"

namespace spatten::app {
namespace {

constexpr std::uint64_t kMaxTokens = 1 << 20;

std::string table(const std::string& name, const trace::Summary& s) {
  std::string out = fmt::format("{}\n", one_line(name));
  const auto row = [&out](const char* what, const std::string& value) { out += fmt::format("  {:<22}{}\n", what, value); };
  const auto both = [](double all, double per_head) { return fmt::format("{:.2f} x  ({:.2f} x per head that ran)", all, per_head); };
  row("passes", fmt::format("{} over {} layers of {} heads", s.steps, s.layers, s.heads));
  row("rows of attention", fmt::format("{} in {} heads that ran of {}", s.rows, s.records, s.dense_records));
  row("K fetched less", both(s.k_reduction(), s.k_reduction_per_head()));
  row("V fetched less", both(s.v_reduction(), s.v_reduction_per_head()));
  row("K and V fetched less", both(s.kv_reduction(), s.kv_reduction_per_head()));
  row("heads less", fmt::format("{:.2f} x", s.head_reduction()));
  row("rows that read LSBs", percent(s.lsb_row_ratio()));
  row("bytes", fmt::format("{} of K, {} of V, {:.2f} x less than fp32", bytes_text(s.k_bytes()), bytes_text(s.v_bytes()), s.dram_reduction(32)));
  row("attention operations", fmt::format("{} of {} dense", count_text(s.ops_executed), count_text(s.ops_dense_equivalent)));
  return out;
}

class Trace final : public Verb {
 public:
  VerbHelp help() const override {
    return {"record what a run did, for a simulator; convert and sum up traces", "FILE... | --model DIR -o OUT TEXT...",
            "Three uses. spatten trace FILE... sums up traces, ours or the authors' CSVs. With --model it runs texts (a decoder "
            "goes on for --generate tokens) and records them in -o OUT. --from authors-csv FILE -o OUT and --to authors-csv "
            "FILE -o OUT convert.",
            "--model models/sst2-small --policy tokens-half -o /tmp/spatten-example.trace \"a gripping and funny film\""};
  }

  void add_options(CLI::App& app) override {
    add_integer(app, "--generate", generate_tokens_, {1, kMaxTokens}, "decoders: tokens to generate after each prompt (default: 32)");
    add_choice(app, "--from", {"trace", "authors-csv"}, [this](std::size_t) { convert_ = true; }, "convert from this format (found by content)");
    add_choice(app, "--to", {"trace", "authors-csv"}, [this](std::size_t i) { to_ = i == 0 ? TraceFormat::kBinary : TraceFormat::kAuthorsCsv, to_given_ = true; },
               "write this format (default: trace)");
    add_flag(app, "--scores", scores_, "also record the accumulated importance of every key, as policies that prune tokens have it");
    add_model_options(app, options_);
    add_input_options(app, input_, options_);
    add_flag(app, "--json", options_.json, "sums as JSON, one object per file", "Output");
    add_text(app, "-o,--output", options_.output, "FILE", "the trace that is written; for sums: in place of standard output", "Output");
    add_run_options(app, options_);
  }

  void run(const Arguments& arguments, Environment& environment) override {
    Arguments files = options_.model.empty() ? arguments : Arguments();
    files.insert(files.end(), input_.files.begin(), input_.files.end());
    check(options_, files);
    if (!options_.model.empty()) {
      record(arguments, environment);
    } else if (convert_ || to_given_) {
      convert(files, environment);
    } else {
      summarize(files, environment);
    }
  }

 private:
  void need_output() const {
    if (options_.output.empty()) throw UsageError("expected -o FILE for the trace, found none");
  }

  void summarize(const Arguments& files, const Environment& environment) const {
    if (files.empty()) throw UsageError("expected a trace file to sum up, or --model DIR and a text to record; found neither");
    Output output(options_.output);
    for (const std::string& file : files) {
      const trace::Summary sum = trace::summarize(*open_stoppable_trace(file, environment.cancelled));
      if (options_.json) {
        Json line = {{"id", file}};
        line.update(trace::to_json(sum));
        output.write_json(line);
      } else {
        output.write(table(file, sum));
      }
    }
    output.finish();
  }

  void convert(const Arguments& files, const Environment& environment) const {
    if (files.size() != 1) throw UsageError(fmt::format("expected one trace to convert, found {}", files.size()));
    need_output();
    const std::unique_ptr<trace::Source> source = open_stoppable_trace(files[0], environment.cancelled);
    const std::unique_ptr<trace::Sink> sink = make_trace_sink(options_.output, to_);
    const std::uint64_t records = trace::copy(*source, *sink);
    note(fmt::format("{}: {} records", options_.output, records));
    note_skipped(*sink);
  }

  void record(const Arguments& arguments, Environment& environment) {
    need_output();
    ItemReader reader(arguments, input_, {}, environment.cancelled);
    std::unique_ptr<trace::Sink> sink = make_trace_sink(options_.output, to_);
    trace::Sink& file = *sink;
    Session session(options_, environment);
    TraceRecorder recorder(std::move(sink), trace_header(session.model(), session.policy(), options_.seed));
    for (Item item; reader.next(item);) {
      RunOptions run = session.run_options();
      recorder.attach(run);
      run.record_scores = scores_;
      try {
        run_item(session.model(), item, run);
      } catch (const UsageError&) {
        throw;
      } catch (const Error& e) {
        throw Error(item.place, "", e.what());
      }
    }
    recorder.finish();
    note(fmt::format("{}: {} records", options_.output, recorder.records()));
    note_skipped(file);
  }

  void run_item(const Model& model, const Item& item, const RunOptions& run) const {
    if (model.gpt2) {
      GenerateOptions how;
      how.max_tokens = generate_tokens_;
      generate(model, {item.text}, how, run);
    } else {
      embed(model, {item.text}, Pooling::kMean, false, run);
    }
  }

  void note_skipped(const trace::Sink& sink) const {
    const auto* csv = dynamic_cast<const trace::AuthorsCsvSink*>(&sink);
    if (csv != nullptr && csv->skipped() > 0) {
      note(fmt::format("left out {} records of prompts, which the authors' format does not know", csv->skipped()));
    }
  }
  void note(const std::string& message) const {
    if (!options_.quiet) print_note(message);
  }

  CommonOptions options_;
  InputOptions input_;
  std::size_t generate_tokens_ = 32;
  TraceFormat to_ = TraceFormat::kBinary;
  bool convert_ = false, to_given_ = false, scores_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_trace() { return std::make_unique<Trace>(); }

}  // namespace spatten::app

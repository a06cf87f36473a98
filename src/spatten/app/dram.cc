// SPDX-License-Identifier: Apache-2.0
// `spatten dram`: replays memory traces on a memory of configs/memory; writes the traces of the published comparison.
#include "spatten/app/errors.h"
#include "spatten/app/locations.h"
#include "spatten/app/option_kinds.h"
#include "spatten/app/options.h"
#include "spatten/app/output.h"
#include "spatten/app/progress.h"
#include "spatten/app/pruning_story.h"
#include "spatten/app/result_json.h"
#include "spatten/app/run_files.h"
#include "spatten/app/verb.h"
#include "spatten/sim/memory/dram_workload.h"
#include "spatten/sim/memory/make_memory.h"
#include "spatten/sim/memory/trace_replay.h"

namespace spatten::app {
namespace {

/// What the replay says about a trace, in the units of people.
struct Figures {
  double seconds, bandwidth_gb_s, bandwidth_ratio, energy_pj;

  Figures(const sim::ReplayResult& result, const sim::Memory& memory) : energy_pj(memory.energy().of(result.stats)) {
    const auto cycles = static_cast<double>(result.memory_cycles);
    seconds = cycles / memory.clock_hz();
    const double bytes = static_cast<double>(result.requests()) * memory.access_bytes();
    bandwidth_gb_s = seconds == 0 ? 0 : bytes / seconds * 1e-9;
    bandwidth_ratio = cycles == 0 ? 0 : bytes / (cycles * memory.peak_bytes_per_clock());
  }
};

Json to_json(const std::string& trace, const sim::ReplayResult& result, const sim::Memory& memory) {
  const Figures f(result, memory);
  const sim::MemoryStats& s = result.stats;
  return {{"id", trace},
          {"memory", memory.name()},
          {"memory_cycles", result.memory_cycles},
          {"seconds", number(f.seconds)},
          {"requests", result.requests()},
          {"reads", result.reads},
          {"writes", result.writes},
          {"bandwidth_gb_s", number(f.bandwidth_gb_s)},
          {"bandwidth_ratio", number(f.bandwidth_ratio)},
          {"read_latency_cycles",
           {{"mean", number(result.read_latency.mean())},
            {"p50", result.read_latency.quantile(0.5)},
            {"p99", result.read_latency.quantile(0.99)}}},
          {"row_hits", s.row_hits},
          {"row_misses", s.row_misses},
          {"row_conflicts", s.row_conflicts},
          {"activates", s.activates},
          {"precharges", s.precharges},
          {"read_commands", s.reads},
          {"write_commands", s.writes},
          {"refreshes", s.refreshes},
          {"busy_cycles", s.busy_cycles},
          {"energy_pj", number(f.energy_pj)},
          {"partial", result.partial}};
}

std::string table(const std::string& trace, const sim::ReplayResult& result, const sim::Memory& memory) {
  const Figures f(result, memory);
  const sim::MemoryStats& s = result.stats;
  std::string out = fmt::format("{}{}\n", one_line(trace), result.partial ? "  (interrupted: up to here)" : "");
  const auto row = [&out](const char* what, const std::string& value) {
    out += fmt::format("  {:<16}{}\n", what, value);
  };
  row("memory", one_line(memory.name()));
  row("accesses", fmt::format("{} reads, {} writes of {} bytes", result.reads, result.writes, memory.access_bytes()));
  row("time", fmt::format("{} cycles, {:.3f} us", result.memory_cycles, f.seconds * 1e6));
  row("bandwidth", fmt::format("{:.2f} GB/s, {} of the peak", f.bandwidth_gb_s, percent(f.bandwidth_ratio)));
  row("read latency", fmt::format("{:.1f} cycles on average, median {}, p99 {}", result.read_latency.mean(),
                                  result.read_latency.quantile(0.5), result.read_latency.quantile(0.99)));
  row("rows", fmt::format("{} hits, {} misses, {} conflicts", s.row_hits, s.row_misses, s.row_conflicts));
  row("commands", fmt::format("{} activates, {} precharges, {} reads, {} writes, {} refreshes", s.activates,
                              s.precharges, s.reads, s.writes, s.refreshes));
  row("energy",
      fmt::format("{:.3f} uJ, {:.2f} pJ/bit (rows and data; no refresh or standing power)", f.energy_pj * 1e-6,
                  f.energy_pj / std::max(1.0, 8.0 * static_cast<double>(result.requests()) * memory.access_bytes())));
  return out;
}

class Dram final : public Verb {
 public:
  VerbHelp help() const override {
    return {"replay a memory trace on an HBM2, or another DRAM", "TRACE...",
            "A trace has an access per line: 0xADDRESS R or 0xADDRESS W (docs/formats/dram_trace.md). --generate "
            "writes one of the "
            "traces on which the public simulators were measured, to standard output or -o FILE.",
            "examples/pruned_rows.trc --memory hbm2-r21"};
  }

  void add_options(CLI::App& app) override {
    add_text(app, "--memory", memory_, "NAME|FILE",
             "a memory of configs/memory, a JSON file, or ideal:LATENCY[:PENDING] (default: " +
                 std::string(sim::kDefaultMemory) + ")");
    add_list(app, "--set", overrides_, "KEY=VALUE",
             "change a key of the memory: channels=2, timing.clocks.nFAW=30; repeatable");
    std::string names;
    for (const sim::DramWorkload& w : sim::dram_workloads()) names += (names.empty() ? "" : ", ") + w.name;
    add_text(app, "--generate", generate_, "NAME", "write a trace: " + names);
    add_integer(app, "--seed", seed_, {0, ~std::uint64_t{0}}, "of --generate (default: that of the published tables)");
    add_flag(app, "--json", json_, "one object per trace", "Output");
    add_text(app, "-o,--output", output_, "FILE", "in place of standard output", "Output");
    add_flag(app, "-q,--quiet", quiet_, "no progress");
  }

  void run(const Arguments& arguments, Environment& environment) override {
    if (!generate_.empty()) {
      if (!arguments.empty())
        throw UsageError("--generate", "", "expected no trace beside it, found " + printable(arguments[0]));
      Output output(output_);
      sim::write_dram_workload(generate_, seed_, [&output](std::string_view text) { output.write(text); });
      output.finish();
      return;
    }
    if (seed_) throw UsageError("--seed", "", "expected --generate with it, found none");
    if (arguments.empty()) throw UsageError("expected a memory trace, or --generate NAME; found neither");
    require_distinct({{"--output", output_}}, inputs(arguments, environment));
    Output output(output_);
    for (const std::string& trace : arguments) {
      const bool partial = replay_one(trace, output, environment);
      if (!partial) continue;
      output.finish();
      throw Cancelled();
    }
    output.finish();
  }

 private:
  /// Reads keep their own data here, also where the authors' bridge swaps them: the replay measures each access.
  std::unique_ptr<sim::Memory> memory(const Environment& environment) const {
    const std::string name = memory_.empty() ? sim::kDefaultMemory : memory_;
    if (sim::is_ideal_memory(name)) return sim::make_memory(name, overrides_);
    sim::DramSpec spec =
        sim::load_dram_spec(find_data_file("--memory", name, "configs/memory", environment.data_roots), overrides_);
    spec.controller.returns = sim::ReturnOrder::kOwnTags;
    return sim::make_dram(spec);
  }

  std::vector<NamedFile> inputs(const Arguments& traces, const Environment& environment) const {
    std::vector<NamedFile> out = input_files("a trace", traces);
    const std::string name = memory_.empty() ? sim::kDefaultMemory : memory_;
    if (!sim::is_ideal_memory(name))
      out.push_back({"--memory", find_data_file("--memory", name, "configs/memory", environment.data_roots)});
    return out;
  }

  /// True when it was interrupted.
  bool replay_one(const std::string& path, Output& output, const Environment& environment) const {
    const std::unique_ptr<sim::Memory> memory = this->memory(environment);
    sim::DramTraceReader trace(InputStream(path, environment.cancelled));
    Progress progress("accesses", {}, environment.terminal.error_is_terminal && !quiet_);
    const sim::ReplayResult result = sim::replay(
        trace, *memory, {.cancelled = environment.cancelled, .progress = [&](std::uint64_t n) { progress.update(n); }});
    if (json_) {
      output.write_json(to_json(path, result, *memory));
    } else {
      output.write(table(path, result, *memory));
    }
    return result.partial;
  }

  std::string memory_, generate_, output_;
  std::vector<std::string> overrides_;
  std::optional<std::uint64_t> seed_;
  bool json_ = false, quiet_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_dram() { return std::make_unique<Dram>(); }

}  // namespace spatten::app

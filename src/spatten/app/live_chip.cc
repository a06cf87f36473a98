// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/live_chip.h"

#include <algorithm>

#include "spatten/app/chip_text.h"
#include "spatten/app/option_kinds.h"
#include "spatten/base/json_tree.h"
#include "spatten/study/chip_json.h"
#include "spatten/trace/synthetic.h"

namespace spatten::app {

void LiveChip::Tee::write(const trace::Record& record) {
  if (first_ != nullptr) first_->write(record);
  second_->write(record);
}

void LiveChip::attach(RunOptions& run, const Session& session) {
  records_.emplace();
  records_->begin(trace_header(session.model(), session.policy(), run.seed));
  tee_.set(run.sink, &*records_);
  run.sink = &tee_;
}

ChipRun LiveChip::run(trace::Source& source, const std::string& name) const {
  sim::SimulationOptions options;
  options.threads = static_cast<std::uint32_t>(threads_);
  options.stop = cancelled_;
  ChipRun out = run_on_chip(source, name, setup_, options);
  if (out.result.partial) throw Cancelled();
  return out;
}

ChipRun LiveChip::recorded(const std::string& name) const {
  SPATTEN_CHECK(records_.has_value());
  trace::MemorySource source(*records_);
  return run(source, name);
}

ChipNeed LiveChip::simulate(const std::string& name, const Session& session) const {
  ChipNeed need{.run = recorded(name), .dense = {}};
  if (session.policy() != nullptr) need.dense = dense(name, session);
  return need;
}

ChipRun LiveChip::dense(const std::string& name, const Session& session) const {
  trace::Workload work;
  work.model = session.model().folder;
  work.shape = shape_of(session.model().config);
  std::uint32_t last_step = 0;
  for (const trace::Record& r : records_->records()) {
    if (r.stage == trace::Stage::kSummarization) work.prompt_length = r.context;
    if (r.stage == trace::Stage::kGeneration && (work.generated_tokens == 0 || r.step != last_step)) work.generated_tokens += 1;
    last_step = r.step;
  }
  trace::SyntheticSource source(work);
  return run(source, name + ", dense");
}

void add_live_chip_options(CLI::App& app, LiveChipOptions& options) {
  add_flag(app, "--simulate", options.simulate, "what the run needs on the chip, dense and pruned: cycles, DRAM bytes, energy", "Chip");
  add_chip_options(app, options.chip);
}

std::optional<LiveChip> make_live_chip(const LiveChipOptions& options, CommonOptions& common, const Environment& environment) {
  if (!options.simulate) {
    for (const auto& [name, value] : {std::pair{"--chip", options.chip.chip}, {"--memory", options.chip.memory}, {"--tech", options.chip.technology}}) {
      if (!value.empty()) throw UsageError(name, "", "expected --simulate beside it, found none");
    }
    return std::nullopt;
  }
  Overrides overrides = split_overrides(common.overrides);
  common.overrides = std::move(overrides.policy);
  const std::size_t threads = common.threads > 0 ? common.threads : ThreadPool::available_cores();
  auto chip = std::make_optional<LiveChip>(options.chip, overrides, threads, environment);
  require_distinct(output_files(common), chip_files(options.chip, chip->setup(), environment));
  return chip;
}

Json need_json(const ChipNeed& need) {
  Json out = chip_summary_json(need.run);
  if (need.dense) out["dense"] = chip_summary_json(*need.dense);
  return out;
}

std::string need_text(const ChipNeed& need) {
  if (!need.dense) return "    chip    " + chip_line(need.run);
  const double faster = static_cast<double>(need.dense->result.cycles) / static_cast<double>(std::max<sim::Cycles>(1, need.run.result.cycles));
  return fmt::format("    chip    dense   {}\n            pruned  {}, {:.2f} times the speed", chip_line(*need.dense), chip_line(need.run), faster);
}

void add_need(ItemResult& result, const ChipNeed& need) {
  result.chip = need_json(need);
  result.note = need_text(need);
}

}  // namespace spatten::app

// SPDX-License-Identifier: Apache-2.0
// What a real run would need on the chip: the run's trace is kept in memory and simulated when the run is done.
#pragma once

#include <optional>
#include <string>

#include "spatten/app/chip_options.h"
#include "spatten/app/option_kinds.h"
#include "spatten/app/result_writer.h"
#include "spatten/app/session.h"
#include "spatten/trace/memory.h"

namespace spatten::app {

/// A run on the chip and, where it was pruned, the same passes dense.
struct ChipNeed {
  ChipRun run;
  std::optional<ChipRun> dense;
};

class LiveChip {
 public:
  LiveChip(const ChipOptions& options, const Overrides& overrides, std::size_t threads, const Environment& environment)
      : setup_(load_chip_setup(options, overrides, environment)), threads_(threads), cancelled_(environment.cancelled) {}

  const ChipSetup& setup() const { return setup_; }
  /// Makes the next call into the model record here, besides where it records already. One text per call.
  void attach(RunOptions& run, const Session& session);
  /// Simulates what was recorded since attach(). `name` is for people. Throws Cancelled when the user stopped it.
  ChipRun recorded(const std::string& name) const;
  /// The same and, under a policy, as many passes over as many tokens without pruning and in fp32.
  ChipNeed simulate(const std::string& name, const Session& session) const;

 private:
  /// Hands records to two sinks.
  class Tee final : public trace::Sink {
   public:
    void set(trace::Sink* first, trace::Sink* second) { first_ = first, second_ = second; }
    void begin(const trace::Header&) override {}
    void write(const trace::Record& record) override;
    void end() override {}

   private:
    trace::Sink *first_ = nullptr, *second_ = nullptr;
  };

  ChipRun run(trace::Source& source, const std::string& name) const;
  ChipRun dense(const std::string& name, const Session& session) const;

  ChipSetup setup_;
  std::size_t threads_;
  const std::atomic<bool>* cancelled_;
  std::optional<trace::MemorySink> records_;
  Tee tee_;
};

/// --simulate and the chip that it means, for verbs that run a model.
struct LiveChipOptions {
  bool simulate = false;
  ChipOptions chip;
};
void add_live_chip_options(CLI::App& app, LiveChipOptions& options);

/// The chip when --simulate was given; then --set may also have keys of the chip and its memory, which are taken out of
/// `common.overrides`. Throws UsageError for chip options without --simulate.
std::optional<LiveChip> make_live_chip(const LiveChipOptions& options, CommonOptions& common, const Environment& environment);

/// The field "chip" of docs/interface.md.
Json need_json(const ChipNeed& need);
/// Both, on a result.
void add_need(ItemResult& result, const ChipNeed& need);
/// One or two lines for people, indented.
std::string need_text(const ChipNeed& need);

}  // namespace spatten::app

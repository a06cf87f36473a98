// SPDX-License-Identifier: Apache-2.0
// What the claims share: published figures, chips of configs/hw, the 30 benchmarks, the authors' traces.
#pragma once

#include <cmath>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "spatten/algo/policy_file.h"
#include "spatten/base/file.h"
#include "spatten/study/paper_benchmarks.h"
#include "spatten/study/tally.h"
#include "spatten/study/trace_edits.h"
#include "spatten/trace/authors_csv.h"
#include "spatten/trace/synthetic.h"
#include "support/shared_data.h"

namespace spatten {

inline const std::string kConfigs = std::string(SPATTEN_SOURCE_DIR) + "/configs";

/// A number of configs/paper, by file and keys: published("table_2", {"dram"}).
inline double published(const std::string& file, const std::vector<std::string>& keys) {
  const JsonFile json = JsonFile::load(kConfigs + "/paper/" + file + ".json");
  JsonNode node = json.root();
  for (const std::string& key : keys) node = node.at(key);
  return node.number(-1e18, 1e18);
}

/// A chip of configs/hw with its memory and the 40 nm table.
inline ChipSetup chip_setup(const std::string& name, const std::vector<std::string>& overrides = {}) {
  sim::ChipSpec chip = sim::load_chip(kConfigs + "/hw/" + name + ".json", overrides);
  const std::string memory = chip.memory;
  return {name,
          memory,
          kConfigs + "/memory/" + memory + ".json",
          std::move(chip),
          {},
          cost::Technology::load(kConfigs + "/tech/tsmc40.json")};
}

/// A benchmark on a chip; of a generation, three tokens are run and stand for all.
inline Tally run(const PaperBenchmark& b, const ChipSetup& setup) {
  if (b.decoder()) {
    return run_sampled([&] { return std::make_unique<trace::SyntheticSource>(b.workload); }, b.generate, setup);
  }
  trace::SyntheticSource source(b.workload);
  return run_whole(source, setup);
}

inline std::vector<PaperBenchmark> benchmarks_of(const std::string& family,
                                                 const std::vector<std::string>& overrides = {}) {
  std::vector<PaperBenchmark> all = load_paper_benchmarks(kConfigs, overrides);
  std::erase_if(all, [&](const PaperBenchmark& b) { return !b.name.starts_with(family); });
  return all;
}

/// Each benchmark on a chip. Tasks that differ in nothing but the name are run once.
inline std::vector<Tally> run_all(const std::vector<PaperBenchmark>& benchmarks, const ChipSetup& setup) {
  std::map<std::tuple<std::string, std::string, std::uint32_t>, Tally> done;
  std::vector<Tally> out;
  for (const PaperBenchmark& b : benchmarks) {
    const auto key = std::make_tuple(b.model, b.policy, b.length);
    if (!done.contains(key)) done[key] = run(b, setup);
    out.push_back(done[key]);
  }
  return out;
}

/// The four tasks of a GPT-2 model share length and policy: one run is the run of each.
inline PaperBenchmark gpt2(const std::string& size, const std::vector<std::string>& overrides = {}) {
  return benchmarks_of("gpt2-" + size, overrides).front();
}

inline double geometric_mean(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += std::log(v);
  return std::exp(sum / static_cast<double>(values.size()));
}
inline double mean(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v;
  return sum / static_cast<double>(values.size());
}

/// The authors' traces; the tests that need one skip where it is not.
inline const std::string kMediumTrace =
    "official-workloads/summary-gpt2-medium-wikitext2-per0-hp-step5+dedic+glob_p+local_p+hp+topk+quant.csv";
inline const std::string kMediumDenseTrace = "official-workloads/summary-gpt2-medium-ptb-per0.csv";
inline const std::string kSmallTrace = "official-workloads/summary-gpt2-small-wikitext2-per8.csv";

#define SPATTEN_NEEDS(NAME) \
  if (!is_file(shared_data(NAME))) GTEST_SKIP() << "no " << shared_data(NAME) << "; see SPATTEN_SHARED_DATA"

/// An authors' trace as it is, or stored otherwise.
class AuthorsTrace final : public trace::Source {
 public:
  explicit AuthorsTrace(const std::string& name, std::optional<StoredWidths> widths = std::nullopt)
      : csv_(shared_data(name)) {
    if (widths) edited_.emplace(csv_, *widths);
  }
  const trace::Header& header() const override { return csv_.header(); }
  bool next(trace::Record& out) override { return edited_ ? edited_->next(out) : csv_.next(out); }

 private:
  trace::AuthorsCsvSource csv_;
  std::optional<RestoredTrace> edited_;
};

/// The Medium trace is the step before progressive quantization; so it is in its final form (V-B: 8 + 4 bits, 5.9 %).
inline const StoredWidths kFinalWidths = {
    .query_bits = 12, .key_msb_bits = 8, .key_lsb_bits = 4, .value_bits = 8, .lsb_row_ratio = trace::kPaperLsbRowRatio};
inline const StoredWidths kFullPrecision = {
    .query_bits = 0, .key_msb_bits = 0, .key_lsb_bits = 0, .value_bits = 0, .lsb_row_ratio = {}};
inline const StoredWidths kStaticWidths = {
    .query_bits = 12, .key_msb_bits = 12, .key_lsb_bits = 0, .value_bits = 8, .lsb_row_ratio = {}};

/// The same counts without the file: the schedule of that trace.
inline std::unique_ptr<trace::Source> medium_wikitext2(const std::vector<std::string>& overrides = {}) {
  PaperBenchmark b = gpt2("medium");
  std::vector<std::string> all = {"token.reference_length=1024", "value.reference_length=1024"};
  all.insert(all.end(), overrides.begin(), overrides.end());
  b.workload.policy = algo::load_policy("paper-gpt2-medium", kConfigs + "/pruning", all);
  return std::make_unique<trace::SyntheticSource>(b.workload);
}

/// The load on which power was calibrated: its widths are K in 12 bits and V in 8, as the authors' trace stores them.
inline std::unique_ptr<trace::Source> calibration_load() {
  return medium_wikitext2({"quantization.msb_bits=0", "quantization.key_bits=12"});
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/load.h"

#include <algorithm>

#include "spatten/base/fields.h"
#include "spatten/model/bert.h"
#include "spatten/model/checkpoint.h"
#include "spatten/model/gpt2.h"

namespace spatten {
namespace {

constexpr std::size_t kTokens = 384;
constexpr double kWeightShare = 1.15;  // of the weights: packed panels are padded, strips are in flight
constexpr std::uint64_t kFixedBytes = std::uint64_t{64} << 20;

/// One sequence; returns the bytes of K and V that it leaves behind.
std::uint64_t run_once(const Bert& model, std::size_t tokens, const RunOptions& options) {
  Encoding encoding;
  for (std::size_t i = 0; i < tokens; ++i) encoding.push(static_cast<std::int32_t>(i % model.config().vocab), {});
  model.encode({&encoding, 1}, options);
  return 0;
}

std::uint64_t run_once(const Gpt2& model, std::size_t tokens, const RunOptions& options) {
  Decoder decoder = model.start(options);
  Decoder* const sequence[] = {&decoder};
  std::vector<std::int32_t> ids[1];
  for (std::size_t i = 0; i < tokens; ++i) ids[0].push_back(static_cast<std::int32_t>(i % model.config().vocab));
  model.extend(sequence, ids, options);
  return decoder.kv_bytes_dense();
}

template <class Family>
LoadReport measure_family(const LoadCase& what, ThreadPool& threads, const Clock& clock,
                          const std::function<std::optional<std::uint64_t>()>& peak_memory) {
  LoadReport report;
  report.folder = what.folder;
  report.precision = enum_name(what.precision);
  report.threads = threads.size();
  RunOptions options;
  options.threads = &threads;
  std::vector<double> seconds;
  for (std::size_t i = 0; i <= what.loads; ++i) {
    const double start = clock();
    const Checkpoint checkpoint = Checkpoint::open(what.folder, {.precision = what.precision, .limits = {}});
    const Family model(checkpoint, threads);
    (i == 0 ? report.first_seconds : seconds.emplace_back()) = clock() - start;
    if (i > 0) continue;
    report.file_bytes = checkpoint.file_bytes();
    report.weight_bytes = checkpoint.weight_bytes();
    report.kv_bytes = run_once(model, std::min<std::size_t>(kTokens, checkpoint.config().max_positions), options);
    report.peak_bytes = peak_memory();
  }
  const Timing timing = quartiles(std::move(seconds));
  report.median_seconds = timing.median_seconds;
  report.low_seconds = timing.low_seconds;
  report.high_seconds = timing.high_seconds;
  if (timing.median_seconds > 0) report.read_gb_s = static_cast<double>(report.file_bytes) / timing.median_seconds * 1e-9;
  return report;
}

}  // namespace

LoadReport measure_load(const LoadCase& what, ThreadPool& threads, const Clock& clock,
                        const std::function<std::optional<std::uint64_t>()>& peak_memory) {
  const bool bert = Checkpoint::open(what.folder, {.check_memory = false, .limits = {}}).config().family == Family::kBert;
  LoadReport report = bert ? measure_family<Bert>(what, threads, clock, peak_memory)
                           : measure_family<Gpt2>(what, threads, clock, peak_memory);
  report.allowed_bytes = static_cast<std::uint64_t>(kWeightShare * static_cast<double>(report.weight_bytes)) + report.kv_bytes + kFixedBytes;
  if (report.peak_bytes) report.memory_ratio = static_cast<double>(*report.peak_bytes) / static_cast<double>(report.allowed_bytes);
  return report;
}

}  // namespace spatten

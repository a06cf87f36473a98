// SPDX-License-Identifier: Apache-2.0
#include "spatten/study/speed.h"

#include <algorithm>

#include "spatten/base/fields.h"

namespace spatten {
namespace {

/// Units of 10^9 a second; nothing for work that is not counted.
std::optional<double> rate(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? std::optional(amount / seconds * 1e-9) : std::nullopt;
}

std::optional<double> ratio(std::optional<double> part, std::optional<double> whole) {
  return part && whole ? std::optional(*part / *whole) : std::nullopt;
}

SpeedRow row_of(const SpeedCase& c, const Timing& timing) {
  SpeedRow row;
  row.name = c.name;
  row.policy = c.policy;
  row.precision = enum_name(c.precision);
  row.threads = c.threads;
  row.unit = c.unit;
  row.median_seconds = timing.median_seconds;
  row.low_seconds = timing.low_seconds;
  row.high_seconds = timing.high_seconds;
  row.samples = timing.samples;
  row.gflops = rate(c.workload->operations(), timing.median_seconds);
  row.read_gb_s = rate(c.workload->read_bytes(), timing.median_seconds);
  return row;
}

/// The best of the roofs of this kind on so many threads.
std::optional<double> roof(const std::vector<SpeedCase>& cases, const std::vector<SpeedRow>& rows, SpeedRole role,
                           std::uint64_t threads) {
  std::optional<double> best;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (cases[i].role != role || rows[i].threads != threads) continue;
    const std::optional<double> value = role == SpeedRole::kGemmRoof ? rows[i].gflops : rows[i].read_gb_s;
    if (value && (!best || *value > *best)) best = value;
  }
  return best;
}

}  // namespace

std::vector<SpeedRow> measure_speed(const std::vector<SpeedCase>& cases, const Clock& clock, const MeasureOptions& options) {
  std::vector<Workload*> workloads;
  for (const SpeedCase& c : cases) workloads.push_back(c.workload.get());
  const std::vector<Timing> timings = measure(workloads, clock, options);
  std::vector<SpeedRow> rows;
  for (std::size_t i = 0; i < cases.size(); ++i) rows.push_back(row_of(cases[i], timings[i]));
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SpeedRow& row = rows[i];
    row.gemm_roof_ratio = ratio(row.gflops, roof(cases, rows, SpeedRole::kGemmRoof, row.threads));
    row.bandwidth_roof_ratio = ratio(row.read_gb_s, roof(cases, rows, SpeedRole::kReadRoof, row.threads));
    if (!cases[i].baseline) continue;
    SPATTEN_CHECK(*cases[i].baseline < i);
    const SpeedRow& base = rows[*cases[i].baseline];
    row.speedup_over = SpeedBaseline{base.name, base.policy, base.precision, base.threads};
    if (row.median_seconds > 0) row.speedup = base.median_seconds / row.median_seconds;
  }
  return rows;
}

}  // namespace spatten

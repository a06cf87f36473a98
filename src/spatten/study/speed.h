// SPDX-License-Identifier: Apache-2.0
// The speed of this machine, and of models as fractions of it (spatten bench). All cases are measured in one run, in turn.
// A ratio compares medians: of an encoder with the fastest large product by oneDNN on as many threads, of a decoder with
// the read bandwidth; "speed-up" compares a case with its own baseline: the dense run, the run on one thread, or the run in fp32.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "spatten/base/json.h"
#include "spatten/kernels/precision.h"
#include "spatten/study/measure.h"

namespace spatten {

enum class SpeedRole { kGemmRoof, kReadRoof, kModel };

struct SpeedCase {
  std::string name;             // "bert-base 384 tokens"
  std::string policy = "none";
  kernels::Precision precision = kernels::Precision::kFp32;
  std::size_t threads = 1;
  SpeedRole role = SpeedRole::kModel;
  std::string unit = "pass";
  std::unique_ptr<Workload> workload;
  std::optional<std::size_t> baseline;  // an earlier case
};

/// Which row a speed-up is over.
struct SpeedBaseline {
  std::string name, policy, precision;
  std::uint64_t threads = 1;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("name", s.name, "", "its name");
    f("policy", s.policy, "", "its policy");
    f("precision", s.precision, "", "its precision");
    f("threads", s.threads, "thread", "its threads");
  }
};

/// A line of the result. A number that means nothing for a case is absent.
struct SpeedRow {
  std::string name, policy;
  std::uint64_t threads = 1;
  std::string precision = "fp32", unit;
  double median_seconds = 0, low_seconds = 0, high_seconds = 0;
  std::uint64_t samples = 0;
  std::optional<double> gflops, gemm_roof_ratio, read_gb_s, bandwidth_roof_ratio, speedup;
  std::optional<SpeedBaseline> speedup_over;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("name", s.name, "", "what runs");
    f("policy", s.policy, "", "how it is pruned");
    f("threads", s.threads, "thread", "threads that run it");
    f("precision", s.precision, "", "that weights are stored and multiplied in");
    f("unit", s.unit, "", "what the seconds are for: a pass, a token, a product, a read");
    f("median_seconds", s.median_seconds, "s", "median per unit");
    f("low_seconds", s.low_seconds, "s", "first quartile");
    f("high_seconds", s.high_seconds, "s", "third quartile");
    f("samples", s.samples, "", "timed runs");
    f("gflops", s.gflops, "GFLOP/s", "executed operations over the median; a multiply-add is two");
    f("gemm_roof_ratio", s.gemm_roof_ratio, "ratio", "gflops over those of the fastest large oneDNN product");
    f("read_gb_s", s.read_gb_s, "GB/s", "bytes that must be read over the median; 10^9 bytes");
    f("bandwidth_roof_ratio", s.bandwidth_roof_ratio, "ratio", "read_gb_s over that of a plain sum");
    f("speedup", s.speedup, "ratio", "median of the baseline over this median");
    f("speedup_over", s.speedup_over, "", "the baseline");
  }
};

/// Rows in the order of the cases.
std::vector<SpeedRow> measure_speed(const std::vector<SpeedCase>& cases, const Clock& clock, const MeasureOptions& options);

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// How long a model folder takes to load, and how much memory the process needs for that and one forward pass. The peak
// is the process's: measure in one that did nothing else before.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "spatten/base/json.h"
#include "spatten/base/thread_pool.h"
#include "spatten/kernels/precision.h"
#include "spatten/study/measure.h"

namespace spatten {

struct LoadCase {
  std::string folder;
  kernels::Precision precision = kernels::Precision::kFp32;
  std::size_t loads = 5;  // after the first
};

struct LoadReport {
  std::string folder, precision = "fp32";
  std::uint64_t threads = 1;
  std::uint64_t file_bytes = 0, weight_bytes = 0, kv_bytes = 0;
  double first_seconds = 0;                                       // the first load, perhaps from the disk
  double median_seconds = 0, low_seconds = 0, high_seconds = 0;   // the loads after it, from the page cache
  double read_gb_s = 0;
  std::optional<std::uint64_t> peak_bytes;
  std::uint64_t allowed_bytes = 0;
  std::optional<double> memory_ratio;

  template <class S, class F>
  static void each(S& s, F&& f) {
    f("name", s.folder, "", "the model folder");
    f("precision", s.precision, "", "that the weights are kept at");
    f("threads", s.threads, "thread", "threads that read and pack");
    f("file_bytes", s.file_bytes, "byte", "size of the weight files");
    f("weight_bytes", s.weight_bytes, "byte", "the weights at that precision");
    f("kv_bytes", s.kv_bytes, "byte", "K and V of the forward pass (decoders)");
    f("first_seconds", s.first_seconds, "s", "first load, perhaps from the disk");
    f("median_seconds", s.median_seconds, "s", "median of the loads after it, from the page cache");
    f("low_seconds", s.low_seconds, "s", "first quartile");
    f("high_seconds", s.high_seconds, "s", "third quartile");
    f("read_gb_s", s.read_gb_s, "GB/s", "file_bytes over the median; 10^9 bytes");
    f("peak_bytes", s.peak_bytes, "byte", "most memory that the process had after the first load and one pass");
    f("allowed_bytes", s.allowed_bytes, "byte", "1.15 weight_bytes + kv_bytes + 64 MiB, which the peak should not pass");
    f("memory_ratio", s.memory_ratio, "ratio", "peak_bytes over allowed_bytes");
  }
};

/// `peak_memory`: see peak_memory_bytes(). Throws what loading throws.
LoadReport measure_load(const LoadCase& what, ThreadPool& threads, const Clock& clock,
                        const std::function<std::optional<std::uint64_t>()>& peak_memory);

}  // namespace spatten

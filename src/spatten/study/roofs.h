// SPDX-License-Identifier: Apache-2.0
// The two limits of a machine that speeds are compared with: arithmetic (a large product by oneDNN) and reading (a sum
// over memory that no cache holds).
#pragma once

#include <cstdint>
#include <vector>

#include "spatten/base/matrix.h"
#include "spatten/base/thread_pool.h"
#include "spatten/kernels/gemm_roof.h"
#include "spatten/study/workload.h"

namespace spatten {

/// One n x n x n product.
class GemmRoofWorkload final : public Workload {
 public:
  GemmRoofWorkload(std::size_t n, kernels::GemmRoof::Weights weights, ThreadPool& threads)
      : n_(n), roof_(n, threads.size(), weights), threads_(threads) {}

  void run() override { roof_.run(threads_); }
  double operations() const override { return 2.0 * static_cast<double>(n_) * static_cast<double>(n_) * static_cast<double>(n_); }

 private:
  std::size_t n_;
  kernels::GemmRoof roof_;
  ThreadPool& threads_;
};

/// All threads add up `bytes` bytes, which should be several times the last cache.
class ReadRoofWorkload final : public Workload {
 public:
  ReadRoofWorkload(std::size_t bytes, ThreadPool& threads);

  void run() override;
  double read_bytes() const override { return static_cast<double>(memory_.size() * sizeof(std::uint64_t)); }
  /// Of the last run.
  std::uint64_t sum() const;

 private:
  Buffer<std::uint64_t> memory_;  // 0, 1, 2, ...
  std::vector<std::uint64_t> sums_;  // per piece
  ThreadPool& threads_;
};

}  // namespace spatten

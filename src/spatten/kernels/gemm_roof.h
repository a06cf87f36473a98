// SPDX-License-Identifier: Apache-2.0
// What a machine can do: one large fp32 product by oneDNN, n x n times n x n, a strip of rows per thread. Benchmarks state
// everything else as a fraction of it, so it is oneDNN's own best case: its layouts, its blocking, nothing of ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "spatten/base/thread_pool.h"

namespace spatten::kernels {

class GemmRoof {
 public:
  enum class Weights : std::uint8_t {
    kPlain,   // row after row
    kPacked,  // as oneDNN prefers, packed beforehand
  };

  /// Takes 3 n^2 floats. Throws Bug when oneDNN refuses the shape.
  GemmRoof(std::size_t n, std::size_t threads, Weights weights);
  ~GemmRoof();
  GemmRoof(GemmRoof&&) noexcept;

  /// One product on the threads of the constructor. A multiply-add is two operations: 2 n^3.
  void run(ThreadPool& threads);
  /// Element of the last product, and what it must be within rounding; for tests.
  float result(std::size_t row, std::size_t col) const;
  double expected(std::size_t row, std::size_t col) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace spatten::kernels

// SPDX-License-Identifier: Apache-2.0
// Which code multiplies matrices in linear(). Passed down by the caller, usable from several threads at once.
#pragma once

#include <cstdint>
#include <memory>

namespace spatten::kernels {

class Gemm {
 public:
  enum class Backend : std::uint8_t {
    kPanels,  // the micro-kernel of this library: any rows, row results independent of the batch
    kOneDnn,  // oneDNN's matmul per panel, primitives cached by shape; second opinion for tests and benchmarks
  };
  explicit Gemm(Backend backend = Backend::kPanels);
  ~Gemm();
  Gemm(const Gemm&) = delete;
  Gemm& operator=(const Gemm&) = delete;

  Backend backend() const { return backend_; }

  struct Primitives;  // oneDNN's side, gemm_onednn.cc
  Primitives& primitives() { return *primitives_; }

 private:
  Backend backend_;
  std::unique_ptr<Primitives> primitives_;  // null for kPanels
};

}  // namespace spatten::kernels

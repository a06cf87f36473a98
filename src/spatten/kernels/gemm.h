// SPDX-License-Identifier: Apache-2.0
// Which code multiplies matrices in linear(): oneDNN where there are rows enough for a matrix product, the micro-kernel of
// this library (which attention needs anyway) for a few. Passed down by the caller, usable from several threads at once.
//
// With AVX-512 both add up a depth of kDepthBlock inputs in the same order (one chain of multiply-adds from zero, then one
// addition): a row gets the same bits from either, and its result does not depend on the batch; a test holds oneDNN 2.6 to
// it. Elsewhere, and when a target is forced, oneDNN would add in another order, and the micro-kernel takes all rows.
// docs/decisions/gemm.md has the measurement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace spatten::kernels {

class Gemm {
 public:
  enum class Backend : std::uint8_t {
    kOneDnn,  // oneDNN's matmul per panel from kOneDnnRows rows on where it keeps the bits, primitives cached by shape
    kPanels,  // the micro-kernel for any number of rows
  };
  static constexpr std::size_t kOneDnnRows = 16, kDepthBlock = 384;

  explicit Gemm(Backend backend = Backend::kOneDnn);
  ~Gemm();
  Gemm(const Gemm&) = delete;
  Gemm& operator=(const Gemm&) = delete;

  /// Whether oneDNN multiplies so many rows now.
  bool uses_onednn(std::size_t rows) const;

  struct Primitives;  // oneDNN's side, gemm_onednn.cc
  Primitives& primitives() { return *primitives_; }

 private:
  Backend backend_;
  std::unique_ptr<Primitives> primitives_;  // null for kPanels
};

}  // namespace spatten::kernels

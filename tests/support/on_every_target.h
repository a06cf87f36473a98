// SPDX-License-Identifier: Apache-2.0
// A suite of tests that runs once per instruction set that this CPU offers. Kernels are held against scalar code in double
// precision there; models against themselves, where not a bit may change.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "spatten/base/matrix.h"
#include "spatten/base/random.h"
#include "spatten/kernels/target.h"

namespace spatten::kernels {

class OnEveryTarget : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { force_target(GetParam()); }
  void TearDown() override { force_target(""); }
};

#define SPATTEN_ON_EVERY_TARGET(suite)                                                                 \
  using suite = ::spatten::kernels::OnEveryTarget;                                                     \
  INSTANTIATE_TEST_SUITE_P(Target, suite, testing::ValuesIn(::spatten::kernels::available_targets()), \
                           [](const auto& target) { return target.param; })

/// All targets and "", which forces none and lets oneDNN take part.
inline std::vector<std::string> choices_of_target() {
  std::vector<std::string> choices = available_targets();
  choices.insert(choices.begin(), "");
  return choices;
}

#define SPATTEN_ON_EVERY_CHOICE_OF_TARGET(suite)                                                       \
  INSTANTIATE_TEST_SUITE_P(Target, suite, testing::ValuesIn(::spatten::kernels::choices_of_target()), \
                           [](const auto& target) { return target.param.empty() ? "None" : target.param; })

/// rows x cols normal values, each row followed by `gap` sentinels that nobody may read or write. With an odd gap the
/// rows are not aligned. Exactly as large as needed, so that AddressSanitizer sees a step too far.
class Sample {
 public:
  Sample(std::size_t rows, std::size_t cols, std::uint64_t seed, std::size_t gap = 3, double spread = 1)
      : rows_(rows), cols_(cols), stride_(cols + gap), values_(rows * stride_, kSentinel) {
    Random random(seed);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < cols; ++c) values_[r * stride_ + c] = static_cast<float>(random.normal() * spread);
    }
  }
  Matrix view() { return {values_.data(), rows_, cols_, stride_}; }
  ConstMatrix view() const { return {values_.data(), rows_, cols_, stride_}; }
  float operator()(std::size_t r, std::size_t c) const { return values_[r * stride_ + c]; }
  float& operator()(std::size_t r, std::size_t c) { return values_[r * stride_ + c]; }
  const std::vector<float>& all() const { return values_; }

  bool gaps_untouched() const {
    for (std::size_t r = 0; r < rows_; ++r) {
      for (std::size_t c = cols_; c < stride_; ++c) {
        if (values_[r * stride_ + c] != kSentinel) return false;
      }
    }
    return true;
  }

  static constexpr float kSentinel = -12345.5f;

 private:
  std::size_t rows_, cols_, stride_;
  std::vector<float> values_;
};

}  // namespace spatten::kernels

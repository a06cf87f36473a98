// SPDX-License-Identifier: Apache-2.0
#include "spatten/layers/pass.h"

#include <algorithm>

#include "spatten/algo/fixed_point.h"

namespace spatten {

const algo::Policy& Pass::policy() const {
  static const algo::Policy dense;
  return options->policy == nullptr ? dense : *options->policy;
}

algo::QuantizationPolicy Pass::quantization() const {
  const algo::QuantizationPolicy& chosen = policy().quantization;
  return options->arithmetic == Arithmetic::kChip ? algo::chip_quantization(chosen) : chosen;
}

void write_records(Pass& pass) {
  if (pass.options->sink == nullptr) return;
  for (PassSequence& s : pass.sequences) {
    for (const trace::Record& r : s.records) pass.options->sink->write(r);
    s.records.clear();
  }
}

void freeze_survivors(Pass& pass) {
  for (const PassSequence& s : pass.sequences) {
    for (std::size_t r = 0; r < s.rows; ++r) {
      std::copy_n(pass.x.row(s.first_row + r), pass.x.cols(), s.frozen.row(s.row_tokens[r] - s.first_token));
    }
  }
}

void for_row_chunks(ThreadPool& threads, std::size_t rows, const std::function<void(std::size_t, std::size_t)>& task) {
  constexpr std::size_t kRows = 32;  // of a few KB each: small enough to balance, large enough to be worth a hand-over
  threads.parallel_for((rows + kRows - 1) / kRows, [&](std::size_t i, std::size_t) {
    task(i * kRows, std::min(kRows, rows - i * kRows));
  });
}

}  // namespace spatten

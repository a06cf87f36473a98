// SPDX-License-Identifier: Apache-2.0
// The trace that a model would leave behind under a policy, from its shape and the lengths alone: what a schedule fixes is
// exact, what depends on the input is an assumption (which rows need LSBs: an even share). Nothing that needs values is
// there: no key ids, no scores; surviving heads are numbered from 0, as in the authors' traces.
#pragma once

#include <string>
#include <vector>

#include "spatten/algo/schedule.h"
#include "spatten/trace/source.h"

namespace spatten::trace {

/// What the paper's tasks need on average (HPCA'21 III-D: 5.9 % of the inputs).
inline constexpr double kPaperLsbRowRatio = 0.059;

struct Workload {
  std::string model;  ///< name, for the header
  algo::ModelShape shape;
  algo::Policy policy;
  std::uint32_t prompt_length = 0;     ///< tokens of the prompt; of the sentence for an encoder
  std::uint32_t generated_tokens = 0;  ///< decoders: iterations of generation, of context prompt_length + 1 and up
  bool prompt_pass = true;             ///< decoders: the prompt is the first step; the authors' traces leave it out
  double lsb_row_ratio = kPaperLsbRowRatio;  ///< share of rows that need LSBs, where quantization is progressive
};

class SyntheticSource final : public Source {
 public:
  /// Throws Error when the policy does not fit the shape, when there is nothing to run, or a length is beyond a trace.
  explicit SyntheticSource(const Workload& workload);

  const Header& header() const override { return header_; }
  bool next(Record& out) override;
  std::string place() const override;  ///< "MODEL:record N"
  std::vector<std::string> assumptions() const override;

 private:
  /// One forward pass: keys, values and heads of each layer.
  struct Pass {
    Stage stage = Stage::kSummarization;
    std::uint32_t context = 0;
    std::vector<std::uint32_t> keys, values, heads;
    std::vector<std::uint64_t> values_total;
  };

  void validate() const;
  Pass plan(std::uint32_t index) const;
  void fill_values(Pass& pass, bool tokens_active) const;
  void finish_pass();
  Record record() const;
  void set_top_k(Record& r) const;
  bool is_prompt(std::uint32_t index) const { return index == 0 && has_prompt_; }

  Workload work_;
  Header header_;
  bool has_prompt_;
  std::uint32_t passes_;
  std::vector<std::uint32_t> available_;  // per layer: keys that exist, the next pass's own token not counted
  Pass pass_, following_;                 // the pass at hand and the one after it, empty after the last
  std::uint64_t records_ = 0;
  std::uint32_t index_ = 0, layer_ = 0, head_ = 0;
  double lsb_carry_ = 0.0;
};

}  // namespace spatten::trace

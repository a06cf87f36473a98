// SPDX-License-Identifier: Apache-2.0
// The contract of token importance: evidence per (layer, head) in, one score per token out. The paper's score is
// accumulated_attention; the others are drop-in alternatives. To add one: a file beside this one, a value in
// algo::Importance and a line in make_importance(); the contract test then runs on it by itself.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "spatten/algo/observation.h"
#include "spatten/algo/policy.h"

namespace spatten::algo {

class TokenImportance {
 public:
  virtual ~TokenImportance() = default;

  /// What observe() reads.
  virtual ObservationNeeds needs() const = 0;
  /// One more token at the end of the sequence.
  virtual void append() { scores_.push_back(0.0); }
  /// Evidence of one head; `causal` says that a row did not see later keys.
  virtual void observe(const HeadObservation& observation, bool causal) = 0;
  /// Makes all evidence so far weigh `factor` of what it did.
  virtual void rescale(double factor);
  /// A new pass over the layers begins.
  virtual void begin_pass() {}

  /// One per token, larger is more important; finite.
  std::span<const double> scores() const { return scores_; }

 protected:
  std::vector<double> scores_;
};

/// The implementation of a policy's choice; `seed` matters to `random` only.
std::unique_ptr<TokenImportance> make_importance(Importance importance, std::uint64_t seed);

}  // namespace spatten::algo

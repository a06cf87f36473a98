// SPDX-License-Identifier: Apache-2.0
// A loaded model folder: configuration, tokenizer and one family's weights. The list of families is in load_model().
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "spatten/kernels/precision.h"
#include "spatten/model/bert.h"
#include "spatten/model/config.h"
#include "spatten/model/gpt2.h"
#include "spatten/model/tokenizer/tokenizer.h"

namespace spatten {

struct Model {
  std::string folder;
  ModelConfig config;
  std::unique_ptr<Tokenizer> tokenizer;
  std::optional<Bert> bert;  // exactly one family is present
  std::optional<Gpt2> gpt2;

  /// The family's weights; throws Error naming the folder and the family that the task needs.
  const Bert& as_bert(std::string_view task) const;
  const Gpt2& as_gpt2(std::string_view task) const;
};

struct LoadOptions {
  bool check_finite = true;  // refuse NaN and Inf weights
  kernels::Precision precision = kernels::Precision::kFp32;  // of matrices and their products; decided when they are read
};

/// Loads a Hugging Face folder. Throws Error with file, key and place.
Model load_model(const std::string& folder, ThreadPool& threads, const LoadOptions& options = {});

}  // namespace spatten

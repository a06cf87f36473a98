// SPDX-License-Identifier: Apache-2.0
// From text to tokens that fit the model, and small pieces that the tasks share.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "spatten/model/model.h"

namespace spatten {

/// Tokens of a text or a pair with the special tokens around them. Throws Error when there is nothing but those, and when
/// they are more than the model takes unless options.truncate, which then shortens the longer text.
Encoding encode_text(const Model& model, const std::string& text, const std::optional<std::string>& pair,
                     const RunOptions& options);

/// Softmax in double precision.
std::vector<float> softmax(std::span<const float> logits);

/// First token's state of each sequence, sequences x hidden.
OwnedMatrix<float> first_tokens(const EncoderOutput& output);

}  // namespace spatten

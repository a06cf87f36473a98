// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/text.h"

#include <algorithm>
#include <cmath>

namespace spatten {
namespace {

/// Cuts the longer of the two until both fit into `room` tokens.
void shorten(Encoding& a, Encoding* b, std::size_t room) {
  std::size_t first = a.size(), second = b == nullptr ? 0 : b->size();
  while (first + second > room) (first >= second ? first : second) -= 1;
  a.truncate(first);
  if (b != nullptr) b->truncate(second);
}

}  // namespace

Encoding encode_text(const Model& model, const std::string& text, const std::optional<std::string>& pair,
                     const RunOptions& options) {
  const Tokenizer& tokenizer = *model.tokenizer;
  const EncodeOptions plain{false, true};
  Encoding a = tokenizer.encode(text, plain);
  std::optional<Encoding> b;
  if (pair) b = tokenizer.encode(*pair, plain);
  if (a.size() == 0 && (!b || b->size() == 0)) throw Error("expected some text, found none");
  const auto build = [&] { return b ? tokenizer.with_special_tokens(a, *b) : tokenizer.with_special_tokens(a); };
  Encoding out = build();
  const std::size_t limit = model.config.max_positions;
  if (out.size() <= limit) return out;
  if (!options.truncate) {
    throw Error(fmt::format("the text has {} tokens, the model takes at most {} (--truncate cuts it)", out.size(), limit));
  }
  const std::size_t special = out.size() - a.size() - (b ? b->size() : 0);
  shorten(a, b ? &*b : nullptr, limit > special ? limit - special : 0);
  return build();
}

std::vector<float> softmax(std::span<const float> logits) {
  const float largest = *std::max_element(logits.begin(), logits.end());
  std::vector<double> e(logits.size());
  double sum = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) sum += e[i] = std::exp(static_cast<double>(logits[i]) - largest);
  std::vector<float> out(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) out[i] = static_cast<float>(e[i] / sum);
  return out;
}

OwnedMatrix<float> first_tokens(const EncoderOutput& output) {
  const std::size_t sequences = output.offsets.size() - 1;
  OwnedMatrix<float> out(sequences, output.hidden.cols());
  for (std::size_t s = 0; s < sequences; ++s) std::copy_n(output.hidden.row(output.offsets[s]), out.cols(), out.row(s));
  return out;
}

}  // namespace spatten

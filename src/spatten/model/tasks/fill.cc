// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/fill.h"

#include <algorithm>
#include <numeric>

#include "spatten/layers/linear.h"
#include "spatten/model/tasks/text.h"

namespace spatten {
namespace {

std::vector<Prediction> best(const Model& model, std::span<const float> logits, std::size_t top) {
  const std::vector<float> probabilities = softmax(logits.first(std::min(logits.size(), model.tokenizer->vocab_size())));
  std::vector<std::int32_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), 0);
  top = std::min(top, order.size());
  const auto better = [&](std::int32_t a, std::int32_t b) {
    const float pa = probabilities[static_cast<std::size_t>(a)], pb = probabilities[static_cast<std::size_t>(b)];
    return pa != pb ? pa > pb : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(top), order.end(), better);
  std::vector<Prediction> out;
  for (std::size_t i = 0; i < top; ++i) {
    out.push_back({model.tokenizer->token(order[i]), order[i], probabilities[static_cast<std::size_t>(order[i])]});
  }
  return out;
}

}  // namespace

std::vector<Filled> fill(const Model& model, const std::vector<std::string>& texts, std::size_t top, const RunOptions& options) {
  const Bert& bert = model.as_bert("masked language modelling");
  const std::optional<std::int32_t> mask = model.tokenizer->special().mask;
  if (!mask) throw Error(model.folder, "", "expected a [MASK] token in the vocabulary, found none");
  std::vector<Encoding> batch;
  for (const std::string& text : texts) batch.push_back(encode_text(model, text, std::nullopt, options));
  EncoderOutput encoded = bert.encode(batch, options);
  std::vector<Filled> out(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    for (std::size_t t = 0; t < batch[i].size(); ++t) {
      if (batch[i].ids[t] != *mask) continue;
      const ConstMatrix row = encoded.hidden.view().rows_from(encoded.offsets[i] + t, 1);
      const OwnedMatrix<float> logits = bert.vocabulary(row, options);
      out[i].masks.push_back(best(model, logits.view().row_span(0), top));
      add_head_ops(encoded.reports[i].work, matmul_ops(1, row.cols, row.cols + logits.cols()));
    }
    if (out[i].masks.empty()) throw Error("expected a [MASK] in the text, found none");
    out[i].encoding = std::move(batch[i]);
    out[i].report = std::move(encoded.reports[i]);
  }
  return out;
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/embed.h"

#include <cmath>

#include "spatten/model/tasks/text.h"

namespace spatten {
namespace {

std::vector<float> pooled(ConstMatrix tokens, Pooling pooling) {
  if (pooling == Pooling::kCls) return {tokens.row(0), tokens.row(0) + tokens.cols};
  std::vector<double> sum(tokens.cols, 0.0);
  for (std::size_t r = 0; r < tokens.rows; ++r) {
    for (std::size_t c = 0; c < tokens.cols; ++c) sum[c] += tokens(r, c);
  }
  std::vector<float> out(tokens.cols);
  for (std::size_t c = 0; c < tokens.cols; ++c) out[c] = static_cast<float>(sum[c] / static_cast<double>(tokens.rows));
  return out;
}

void to_unit_length(std::vector<float>& v) {
  double squares = 0;
  for (const float x : v) squares += static_cast<double>(x) * x;
  if (squares == 0) return;
  for (float& x : v) x = static_cast<float>(x / std::sqrt(squares));
}

}  // namespace

std::vector<Embedding> embed(const Model& model, const std::vector<std::string>& texts, Pooling pooling, bool normalize,
                             const RunOptions& options) {
  const Bert& bert = model.as_bert("embeddings");
  std::vector<Encoding> batch;
  for (const std::string& text : texts) batch.push_back(encode_text(model, text, std::nullopt, options));
  EncoderOutput encoded = bert.encode(batch, options);
  std::vector<Embedding> out(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const ConstMatrix tokens = encoded.hidden.view().rows_from(encoded.offsets[i], batch[i].size());
    out[i].embedding = pooled(tokens, pooling);
    if (normalize) to_unit_length(out[i].embedding);
    out[i].encoding = std::move(batch[i]);
    out[i].report = std::move(encoded.reports[i]);
  }
  return out;
}

}  // namespace spatten

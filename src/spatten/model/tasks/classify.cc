// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tasks/classify.h"

#include <algorithm>

#include "spatten/layers/linear.h"
#include "spatten/model/tasks/text.h"

namespace spatten {

std::vector<Classification> classify(const Model& model, const std::vector<TextInput>& inputs, const RunOptions& options) {
  const Bert& bert = model.as_bert("classification");
  std::vector<Encoding> batch;
  for (const TextInput& input : inputs) batch.push_back(encode_text(model, input.text, input.pair, options));
  EncoderOutput encoded = bert.encode(batch, options);
  const OwnedMatrix<float> pooled = bert.pool(first_tokens(encoded).view(), options);
  const OwnedMatrix<float> logits = bert.classify(pooled.view(), options);
  std::vector<Classification> out(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Classification& c = out[i];
    c.logits.assign(logits.row(i), logits.row(i) + logits.cols());
    c.scores = softmax(c.logits);
    c.label_id = static_cast<std::size_t>(std::max_element(c.logits.begin(), c.logits.end()) - c.logits.begin());
    const std::vector<std::string>& labels = model.config.labels;
    c.label = c.label_id < labels.size() ? labels[c.label_id] : fmt::format("LABEL_{}", c.label_id);
    c.encoding = std::move(batch[i]);
    c.report = std::move(encoded.reports[i]);
    add_head_ops(c.report.work, matmul_ops(1, pooled.cols(), pooled.cols() + logits.cols()));
  }
  return out;
}

std::vector<RankedPassage> rerank(const Model& model, const std::string& query, const std::vector<std::string>& passages,
                                  const RunOptions& options) {
  std::vector<TextInput> inputs;
  for (const std::string& p : passages) inputs.push_back({query, p});
  std::vector<Classification> scored = classify(model, inputs, options);
  std::vector<RankedPassage> out;
  for (std::size_t i = 0; i < scored.size(); ++i) out.push_back({i, scored[i].logits.back(), std::move(scored[i].report)});
  std::stable_sort(out.begin(), out.end(), [](const RankedPassage& a, const RankedPassage& b) { return a.score > b.score; });
  return out;
}

}  // namespace spatten

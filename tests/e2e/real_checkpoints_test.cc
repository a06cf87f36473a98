// SPDX-License-Identifier: Apache-2.0
// Two small trained checkpoints of others give the logits and the accuracy that were published with them. Neither they nor
// SST-2 are part of this repository; the tests run where they are (see support/shared_data.h).
#include <gtest/gtest.h>

#include <algorithm>

#include "spatten/base/json.h"
#include "spatten/model/checkpoint.h"
#include "spatten/model/tasks/classify.h"
#include "support/checkpoint_writer.h"
#include "support/least_norm.h"
#include "support/shared_data.h"

namespace spatten {
namespace {

// fp32 against fp32 in another order of summation, two layers; logits of size 2.
constexpr double kTolerance = 1e-4;

#define SKIP_WITHOUT(path) \
  if (!is_file(path)) GTEST_SKIP() << "no " << path << "; set SPATTEN_SHARED_DATA to the folder that holds models/"

std::vector<double> numbers(const JsonNode& list) {
  std::vector<double> out;
  for (const JsonNode& n : list.items()) out.push_back(n.number(-1e9, 1e9));
  return out;
}

class RealClassifier : public testing::Test {
 protected:
  std::vector<Classification> classify_all(const std::vector<TextInput>& inputs) {
    const Model model = load_model(folder_, threads_);
    RunOptions options;
    options.threads = &threads_;
    std::vector<Classification> out;
    for (std::size_t first = 0; first < inputs.size(); first += 64) {
      const auto begin = inputs.begin() + static_cast<std::ptrdiff_t>(first);
      const std::vector<TextInput> batch(begin, begin + static_cast<std::ptrdiff_t>(std::min<std::size_t>(64, inputs.size() - first)));
      for (Classification& c : classify(model, batch, options)) out.push_back(std::move(c));
    }
    return out;
  }

  /// The sentences of SST-2's development set and their labels.
  static void read_sst2(const std::string& path, std::vector<TextInput>& inputs, std::vector<std::size_t>& labels) {
    const std::string text = read_file(path);
    for (std::size_t at = text.find('\n') + 1; at < text.size();) {  // past the names of the columns
      const std::size_t end = std::min(text.find('\n', at), text.size());
      labels.push_back(text[at] == '1');
      inputs.push_back({text.substr(at + 2, end - at - 2), {}});
      at = end + 1;
    }
  }

  ThreadPool threads_{2};
  const std::string folder_ = shared_data("models/bert_tiny_sst2_hybrid");
};

TEST_F(RealClassifier, GivesItsPublishedLogitsAndAccuracyOnSst2) {
  SKIP_WITHOUT(folder_ + "/golden.json");
  SKIP_WITHOUT(shared_data("glue/SST-2/dev.tsv"));
  std::vector<TextInput> inputs;
  std::vector<std::size_t> labels;
  read_sst2(shared_data("glue/SST-2/dev.tsv"), inputs, labels);
  const std::vector<Classification> found = classify_all(inputs);
  ASSERT_EQ(found.size(), 872u);

  const JsonFile golden = JsonFile::load(folder_ + "/golden.json");
  const std::vector<JsonNode> first = golden.root().at("first20").items();
  ASSERT_EQ(first.size(), 20u);
  for (std::size_t i = 0; i < first.size(); ++i) {
    const std::vector<double> ids = numbers(first[i].at("ids")), logits = numbers(first[i].at("logits"));
    EXPECT_TRUE(std::equal(ids.begin(), ids.end(), found[i].encoding.ids.begin(), found[i].encoding.ids.end())) << i;
    for (std::size_t l = 0; l < 2; ++l) EXPECT_NEAR(found[i].logits[l], logits[l], kTolerance) << i;
  }

  std::size_t correct = 0;
  for (std::size_t i = 0; i < found.size(); ++i) correct += found[i].label_id == labels[i];
  EXPECT_EQ(correct, 712u);
}

/// What the embedding table of a model must hold so that its first LayerNorm gives these rows.
struct InvertedNorm {
  std::vector<float> rows, gamma, beta;
};

/// LayerNorm gives back e_i from n_i = w e_i + v (per column) when all n_i have mean 0 and one variance: then gamma and beta
/// undo w and v. Mean 0 holds for all rows when w is orthogonal to their differences and v sums to -w e_0; one length
/// asks of v that 2 (w e_i) v + |w e_i|^2 is the same for all rows. Both are linear: w first, then v.
InvertedNorm invert_norm(const std::vector<std::vector<double>>& e) {
  const std::size_t columns = e[0].size();
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t c = 0; c < a.size(); ++c) sum += a[c] * b[c];
    return sum;
  };
  std::vector<std::vector<double>> differences;
  for (std::size_t i = 1; i < e.size(); ++i) {
    differences.push_back(e[i]);
    for (std::size_t c = 0; c < columns; ++c) differences.back()[c] -= e[0][c];
  }
  std::vector<double> w(columns, 1), along;
  for (const auto& d : differences) along.push_back(dot(d, w));
  const std::vector<double> part = least_norm_solution(differences, along);
  for (std::size_t c = 0; c < columns; ++c) w[c] -= part[c];

  std::vector<std::vector<double>> equations{std::vector<double>(columns, 1)};
  std::vector<double> wanted{-dot(w, e[0])};
  for (const auto& row : e) {
    std::vector<double>& scaled = equations.emplace_back(row);
    for (std::size_t c = 0; c < columns; ++c) scaled[c] *= w[c];
    wanted.push_back(-dot(scaled, scaled) / 2);
  }
  const std::vector<double> v = least_norm_solution(equations, wanted);

  InvertedNorm out;
  const double deviation = std::sqrt(dot(v, v) / static_cast<double>(columns));  // |n_i|^2 = |v|^2 by the equations
  for (const auto& row : e) {
    for (std::size_t c = 0; c < columns; ++c) out.rows.push_back(static_cast<float>(w[c] * row[c] + v[c]));
  }
  for (std::size_t c = 0; c < columns; ++c) {
    out.gamma.push_back(static_cast<float>(deviation / w[c]));
    out.beta.push_back(static_cast<float>(-v[c] / w[c]));
  }
  return out;
}

/// The tensors of a checkpoint that lacks embeddings, and embeddings that give these rows for the ids 0, 1, 2, ...
std::vector<RawTensor> with_embeddings(const std::string& path, const std::vector<std::vector<double>>& rows) {
  std::vector<RawTensor> tensors;
  const SafetensorsFile file = SafetensorsFile::open(path);
  for (const TensorInfo& t : file.tensors()) {
    RawTensor& raw = tensors.emplace_back(RawTensor{t.name, t.dtype, t.shape, std::string(t.bytes, '\0')});
    file.read_bytes(t, 0, raw.bytes.data(), raw.bytes.size());
  }
  const std::uint64_t tokens = rows.size(), hidden = rows[0].size();
  const InvertedNorm norm = invert_norm(rows);
  const auto add = [&](const std::string& name, const std::vector<std::uint64_t>& shape, const std::vector<float>& values) {
    tensors.push_back({"bert.embeddings." + name, DType::kF32, shape, encode(DType::kF32, values)});
  };
  add("word_embeddings.weight", {tokens, hidden}, norm.rows);
  add("position_embeddings.weight", {tokens, hidden}, std::vector<float>(tokens * hidden));
  add("token_type_embeddings.weight", {2, hidden}, std::vector<float>(2 * hidden));
  add("LayerNorm.weight", {hidden}, norm.gamma);
  add("LayerNorm.bias", {hidden}, norm.beta);
  return tensors;
}

TEST(RealEncoder, GivesItsPublishedLogitsForPublishedEmbeddings) {
  const std::string folder = shared_data("models/bert_tiny_sst2_encoder"), golden = folder + "/real_embedding_inputs_and_logits.json";
  SKIP_WITHOUT(golden);
  ThreadPool threads(2);
  const JsonFile file = JsonFile::load(golden);
  ASSERT_EQ(file.root().size(), 7u);
  for (const JsonNode& sentence : file.root().items()) {
    SCOPED_TRACE(sentence.key());
    std::vector<std::vector<double>> rows;
    for (const JsonNode& row : sentence.at("embedding_output").items()) rows.push_back(numbers(row));
    const TempFolder made;
    Json config = JsonFile::load(folder + "/config.json").root().json();
    config["vocab_size"] = config["max_position_embeddings"] = rows.size();
    made.write("config.json", config.dump());
    made.write("model.safetensors", safetensors_file(with_embeddings(folder + "/encoder_only.safetensors", rows)));

    const Bert bert(Checkpoint::open(made.path()), threads);
    RunOptions options;
    options.threads = &threads;
    Encoding input;
    for (std::size_t i = 0; i < rows.size(); ++i) input.push(static_cast<std::int32_t>(i), {});
    const EncoderOutput out = bert.encode({&input, 1}, options);
    const OwnedMatrix<float> logits = bert.classify(bert.pool(out.hidden.view().rows_from(0, 1), options).view(), options);
    const std::vector<double> wanted = numbers(sentence.at("logits"));
    for (std::size_t l = 0; l < 2; ++l) EXPECT_NEAR(logits(0, l), wanted[l], kTolerance);
  }
}

}  // namespace
}  // namespace spatten

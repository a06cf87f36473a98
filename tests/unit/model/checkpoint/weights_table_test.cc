// SPDX-License-Identifier: Apache-2.0
// How the tensors of a file find their place in the family's table: the spellings of real files, and what is refused.
#include "spatten/model/weights_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/checkpoint_writer.h"
#include "support/error_message.h"

namespace spatten {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

/// A configuration and the tensors of a file, to be changed and then resolved.
struct Model {
  ModelConfig config;
  std::vector<RawTensor> tensors;

  explicit Model(const Json& json, const WriterOptions& options = {}) : config(read_model_config(JsonFile::parse(json.dump(), "c"))) {
    WrittenWeights written;
    tensors = random_tensors(config, options, written);
  }
  RawTensor& at(const std::string& name) {
    for (RawTensor& t : tensors) {
      if (t.name == name) return t;
    }
    throw std::runtime_error("the test asks for an unknown tensor " + name);
  }
  void remove(const std::string& name) {
    at(name);
    std::erase_if(tensors, [&](const RawTensor& t) { return t.name == name; });
  }
  void add(const std::string& name, std::vector<std::uint64_t> shape, DType dtype = DType::kF32) {
    std::uint64_t bytes = dtype_bits(dtype) / 8;
    for (const std::uint64_t d : shape) bytes *= d;
    tensors.push_back({name, dtype, shape, std::string(bytes, '\0')});
  }

  std::vector<SafetensorsFile> files() const {
    std::vector<SafetensorsFile> out;
    out.push_back(SafetensorsFile::open(InputFile::from_memory("f", safetensors_file(tensors))));
    return out;
  }
  std::vector<std::string> names() const {
    const auto opened = files();
    std::vector<std::string> out;
    for (const StoredWeight& w : WeightsTable(config).resolve(opened, "folder")) out.push_back(w.name);
    return out;
  }
  std::string refusal() const {
    return error_message([&] { names(); });
  }
};

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const std::string kQuery = "bert.encoder.layer.1.attention.self.query.weight";

TEST(WeightsTable, BothNamingHabitsResolveToTheSameNames) {
  for (const Json& json : {tiny_bert_config("BertForMaskedLM"), tiny_bert_config("BertForQuestionAnswering"), tiny_gpt2_config()}) {
    const auto names = Model(json).names();
    EXPECT_TRUE(contains(names, json["model_type"] == "bert" ? "encoder.layer.1.output.LayerNorm.bias" : "h.1.ln_2.bias"));
    EXPECT_EQ(Model(json, {.base_prefix = false}).names(), names);
    EXPECT_EQ(Model(json, {.old_norm_names = true}).names(), names);
    EXPECT_EQ(Model(json, {.base_prefix = false, .old_norm_names = true}).names(), names);
  }
}

TEST(WeightsTable, CountsTheParametersOfBertBaseAndGpt2) {
  Json bert = tiny_bert_config("BertModel");
  bert.update({{"hidden_size", 768}, {"num_hidden_layers", 12}, {"num_attention_heads", 12}, {"intermediate_size", 3072},
               {"vocab_size", 30522}, {"max_position_embeddings", 512}});
  ModelConfig c = read_model_config(JsonFile::parse(bert.dump(), "c"));
  EXPECT_EQ(WeightsTable(c).required_elements() + 768 * 769, 109'482'240u);  // as published, the pooler is optional here
  Json gpt2 = tiny_gpt2_config();
  gpt2.update({{"n_embd", 768}, {"n_layer", 12}, {"n_head", 12}, {"vocab_size", 50257}, {"n_positions", 1024}});
  c = read_model_config(JsonFile::parse(gpt2.dump(), "c"));
  EXPECT_EQ(WeightsTable(c).required_elements(), 124'439'808u);
}

TEST(WeightsTable, BuffersAndHeadsOfNoUseAreIgnored) {
  Model bert(tiny_bert_config("BertForPreTraining"));
  const auto names = bert.names();
  bert.add("bert.embeddings.position_ids", {1, 12}, DType::kI64);
  bert.add("cls.seq_relationship.weight", {2, 16});
  bert.add("cls.seq_relationship.bias", {2});
  EXPECT_EQ(bert.names(), names);

  Model gpt2(tiny_gpt2_config());
  const auto gpt2_names = gpt2.names();
  gpt2.add("transformer.h.1.attn.bias", {1, 1, 12, 12}, DType::kBool);
  gpt2.add("h.0.attn.masked_bias", {});
  EXPECT_EQ(gpt2.names(), gpt2_names);
  gpt2.add("h.2.attn.bias", {1, 1, 12, 12});  // there is no such layer
  EXPECT_THAT(gpt2.refusal(), HasSubstr("f:h.2.attn.bias: expected only the tensors of gpt2 for causal-lm with 2 layers"));
}

TEST(WeightsTable, ThePoolerIsOptionalButWhole) {
  Model m(tiny_bert_config("BertForQuestionAnswering"));
  EXPECT_TRUE(contains(m.names(), "pooler.dense.weight"));
  m.remove("bert.pooler.dense.bias");
  EXPECT_EQ(m.refusal(), "f:pooler.dense.bias: expected this tensor (hidden_size), found none");
  m.remove("bert.pooler.dense.weight");
  EXPECT_FALSE(contains(m.names(), "pooler.dense.weight"));

  Model classifier(tiny_bert_config("BertForSequenceClassification"));
  classifier.remove("bert.pooler.dense.weight");
  EXPECT_EQ(classifier.refusal(), "f:pooler.dense.weight: expected this tensor (hidden_size x hidden_size), found none");
}

TEST(WeightsTable, TiedHeadsMayBeAbsentDoubledOrAlone) {
  Model m(tiny_gpt2_config());
  const auto names = m.names();
  EXPECT_FALSE(contains(names, "lm_head.weight"));
  m.add("lm_head.weight", {40, 16});
  EXPECT_EQ(m.names(), names);
  m.remove("transformer.wte.weight");
  EXPECT_EQ(m.names(), names);  // the head's copy is the embedding
  m.at("lm_head.weight").shape = {16, 40};
  EXPECT_THAT(m.refusal(), HasSubstr("f:lm_head.weight: expected shape [40, 16] (vocab_size x n_embd in config.json), found [16, 40]"));

  Model bert(tiny_bert_config("BertForMaskedLM"));
  const auto bert_names = bert.names();
  bert.add("cls.predictions.decoder.weight", {40, 16});
  bert.add("cls.predictions.decoder.bias", {40});
  EXPECT_EQ(bert.names(), bert_names);
  bert.remove("cls.predictions.bias");
  EXPECT_EQ(bert.names(), bert_names);
}

TEST(WeightsTable, UntiedHeadsAreRequired) {
  Json json = tiny_gpt2_config();
  json["tie_word_embeddings"] = false;
  Model m(json);
  EXPECT_TRUE(contains(m.names(), "lm_head.weight"));
  m.remove("lm_head.weight");
  EXPECT_EQ(m.refusal(), "f:lm_head.weight: expected this tensor (vocab_size x n_embd), found none");
  json = tiny_bert_config("BertForMaskedLM");
  json["tie_word_embeddings"] = false;
  EXPECT_TRUE(contains(Model(json).names(), "cls.predictions.decoder.weight"));
}

TEST(WeightsTable, OrientationFollowsTheShapeAndSquareMatricesFollowTheOthers) {
  for (const bool linear : {false, true}) {
    Json json = tiny_gpt2_config();
    json["n_inner"] = 16;  // mlp square, too: only c_attn tells
    const Model m(json, {.conv1d_as_linear = linear});
    const auto files = m.files();
    for (const StoredWeight& w : WeightsTable(m.config).resolve(files, "folder")) {
      const bool matrix = w.name.starts_with("h.") && w.tensor->shape.size() == 2;
      EXPECT_EQ(w.orientation, !matrix ? Orientation::kNone : linear ? Orientation::kLinear : Orientation::kConv1d) << w.name;
    }
  }
  Model mixed(tiny_gpt2_config());
  std::swap(mixed.at("transformer.h.1.attn.c_attn.weight").shape[0], mixed.at("transformer.h.1.attn.c_attn.weight").shape[1]);
  EXPECT_THAT(mixed.refusal(), HasSubstr("f:transformer.h.1.attn.c_attn.weight: expected shape [16, 48] (n_embd x 3 n_embd in config.json), found [48, 16]"));
}

TEST(WeightsTable, AMissingTensorIsNamedWithTheNearestUnknownOne) {
  Model m(tiny_bert_config());
  m.remove(kQuery);
  EXPECT_EQ(m.refusal(), "f:encoder.layer.1.attention.self.query.weight: expected this tensor (hidden_size x hidden_size), found none");
  m.add("bert.encoder.layer.1.attention.self.qurey.weight", {16, 16});
  EXPECT_THAT(m.refusal(), HasSubstr("found none; the nearest unknown name is \"bert.encoder.layer.1.attention.self.qurey.weight\""));
}

TEST(WeightsTable, OneTensorTooManyIsNamed) {
  Model m(tiny_bert_config());
  m.add("bert.encoder.layer.2.attention.self.query.weight", {16, 16});
  EXPECT_THAT(m.refusal(), HasSubstr("f:bert.encoder.layer.2.attention.self.query.weight: expected only the tensors of bert for "
                                     "sequence-classification with 2 layers, found this one, too, did you mean \"encoder.layer."));
  m.remove("bert.encoder.layer.2.attention.self.query.weight");
  m.add("encoder.layer.1.attention.self.query.weight", {16, 16});
  EXPECT_EQ(m.refusal(), "f:encoder.layer.1.attention.self.query.weight: expected one tensor of this meaning, found \"" + kQuery + "\", too");
}

TEST(RobustnessA7, AFlippedTypeIsRefusedThoughAllSizesFit) {
  Model m(tiny_bert_config());
  m.at(kQuery).dtype = DType::kI32;
  EXPECT_EQ(m.refusal(), "f:" + kQuery + ": expected F32, F16 or BF16, found I32");
}

TEST(RobustnessA6, EmptyAndScalarTensorsAreNoWeights) {
  Model m(tiny_bert_config());
  m.at(kQuery) = {kQuery, DType::kF32, {0, 16}, ""};
  EXPECT_EQ(m.refusal(), "f:" + kQuery + ": expected shape [16, 16] (hidden_size x hidden_size in config.json), found [0, 16]");
  m.at(kQuery) = {kQuery, DType::kF32, {}, "1234"};
  EXPECT_THAT(m.refusal(), HasSubstr("found []"));
}

TEST(RobustnessA11, EmbeddingRowsThatDifferFromTheVocabularyNameTheKey) {
  Model m(tiny_bert_config());
  m.config.vocab = 41;
  EXPECT_EQ(m.refusal(), "f:bert.embeddings.word_embeddings.weight: expected shape [41, 16] (vocab_size x hidden_size in config.json), found [40, 16]");
  Model labels(tiny_bert_config());
  labels.config.labels.push_back("third");
  EXPECT_THAT(labels.refusal(), HasSubstr("expected shape [3, 16] (num_labels x hidden_size in config.json), found [2, 16]"));
}

TEST(WeightsTable, TheTaskIsReadFromTheTensorsWhenTheConfigurationIsSilent) {
  const auto task = [](const char* architecture) { return task_of_tensors(Family::kBert, Model(tiny_bert_config(architecture)).files()); };
  EXPECT_EQ(task("BertModel"), Task::kEncoder);
  EXPECT_EQ(task("BertForMaskedLM"), Task::kMaskedLm);
  EXPECT_EQ(task("BertForQuestionAnswering"), Task::kQuestionAnswering);
  EXPECT_EQ(task("BertForSequenceClassification"), Task::kSequenceClassification);
  EXPECT_EQ(task_of_tensors(Family::kGpt2, {}), Task::kCausalLm);
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// config.json: what each family's keys mean, defaults, and refusals that name the key (robustness A.11).
#include "spatten/model/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "support/checkpoint_writer.h"
#include "support/child_process.h"
#include "support/error_message.h"
#include "support/temp_folder.h"

namespace spatten {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

ModelConfig read(const Json& config) { return read_model_config(JsonFile::parse(config.dump(), "c")); }
std::string refusal_of_text(const std::string& text) {
  return error_message([&] { read_model_config(JsonFile::parse(text, "c")); });
}
std::string refusal(Json config, const char* key, const Json& value) {
  config[key] = value;
  return refusal_of_text(config.dump());
}
Json without(Json config, const char* key) {
  config.erase(key);
  return config;
}

TEST(ModelConfig, ReadsTheKeysOfBert) {
  Json json = tiny_bert_config();
  json["id2label"] = {{"1", "good"}, {"0", "bad"}, {"2", "so-so"}};
  const ModelConfig c = read(json);
  EXPECT_EQ(c.family, Family::kBert);
  EXPECT_EQ(c.task, Task::kSequenceClassification);
  EXPECT_EQ(c.layers, 2u);
  EXPECT_EQ(c.heads, 1u);
  EXPECT_EQ(c.hidden, 16u);
  EXPECT_EQ(c.head_dim, 16u);
  EXPECT_EQ(c.ffn, 24u);
  EXPECT_EQ(c.vocab, 40u);
  EXPECT_EQ(c.max_positions, 12u);
  EXPECT_EQ(c.type_vocab, 2u);
  EXPECT_FLOAT_EQ(c.layer_norm_eps, 1e-12f);
  EXPECT_EQ(c.activation, HiddenActivation::kGelu);
  EXPECT_THAT(c.labels, ElementsAre("bad", "good", "so-so"));
  EXPECT_TRUE(c.tie_word_embeddings);
  EXPECT_EQ(c.pad_id, 0u);
  EXPECT_FALSE(c.eos_id);
}

TEST(ModelConfig, ReadsTheKeysOfGpt2) {
  const ModelConfig c = read(tiny_gpt2_config());
  EXPECT_EQ(c.family, Family::kGpt2);
  EXPECT_EQ(c.task, Task::kCausalLm);
  EXPECT_EQ(c.layers, 2u);
  EXPECT_EQ(c.head_dim, 16u);
  EXPECT_EQ(c.ffn, 64u);  // n_inner null: four times n_embd
  EXPECT_EQ(c.max_positions, 12u);
  EXPECT_EQ(c.type_vocab, 0u);
  EXPECT_FLOAT_EQ(c.layer_norm_eps, 1e-5f);
  EXPECT_EQ(c.activation, HiddenActivation::kGeluTanh);
  EXPECT_EQ(c.eos_id, 39u);
  EXPECT_FALSE(c.pad_id);
}

TEST(ModelConfig, AbsentKeysTakeTheDefaultsOfTheTransformersLibrary) {
  Json bert = tiny_bert_config();
  for (const char* key : {"hidden_act", "layer_norm_eps", "type_vocab_size", "pad_token_id", "architectures"}) bert.erase(key);
  const ModelConfig b = read(bert);
  EXPECT_EQ(b.activation, HiddenActivation::kGelu);
  EXPECT_EQ(b.type_vocab, 2u);
  EXPECT_EQ(b.pad_id, 0u);
  EXPECT_FALSE(b.task);
  EXPECT_THAT(b.labels, ElementsAre("LABEL_0", "LABEL_1"));

  Json gpt2 = tiny_gpt2_config();
  for (const char* key : {"bos_token_id", "eos_token_id", "n_inner", "activation_function", "model_type"}) gpt2.erase(key);
  gpt2["vocab_size"] = 50257;
  EXPECT_EQ(read(gpt2).eos_id, 50256u);
  EXPECT_EQ(read(gpt2).family, Family::kGpt2);  // by its architecture
  gpt2["vocab_size"] = 50256;
  EXPECT_FALSE(read(gpt2).eos_id);
  gpt2["n_ctx"] = 64;
  EXPECT_EQ(read(gpt2).max_positions, 12u);
  EXPECT_EQ(read(without(gpt2, "n_positions")).max_positions, 64u);
}

TEST(ModelConfig, LabelsComeFromAnyOfTheThreeKeys) {
  Json json = tiny_bert_config();
  json["num_labels"] = 1;
  EXPECT_THAT(read(json).labels, ElementsAre("LABEL_0"));
  json["label2id"] = {{"score", 0}};
  EXPECT_THAT(read(json).labels, ElementsAre("score"));
  json["id2label"] = {{"0", "relevance"}};
  EXPECT_THAT(read(json).labels, ElementsAre("relevance"));
  json["num_labels"] = 3;
  EXPECT_EQ(refusal_of_text(json.dump()), "c:1:/num_labels: expected 1 as in the table of labels, found 3");
  const Json bert = tiny_bert_config();
  EXPECT_EQ(refusal(bert, "id2label", {{"0", "a"}, {"2", "b"}}), "c:1:/id2label/2: expected a key from 0 to 1, found \"2\"");
  EXPECT_EQ(refusal(bert, "id2label", {{"0", "a"}, {"00", "b"}}), "c:1:/id2label/00: expected each label id once, found it twice");
  EXPECT_EQ(refusal(bert, "id2label", {{"0", 7}}), "c:1:/id2label/0: expected a string, found 7");
  EXPECT_EQ(refusal(bert, "label2id", {{"a", 1}, {"b", 1}}), "c:1:/label2id/b: expected each label id once, found it twice");
  EXPECT_EQ(refusal(bert, "num_labels", 0), "c:1:/num_labels: expected an integer from 1 to 65536, found 0");
}

TEST(ModelConfig, EveryArchitectureOfTheHubNamesItsTask) {
  const auto task = [](const char* architecture) { return read(tiny_bert_config(architecture)).task; };
  EXPECT_EQ(task("BertModel"), Task::kEncoder);
  EXPECT_EQ(task("BertForMaskedLM"), Task::kMaskedLm);
  EXPECT_EQ(task("BertForPreTraining"), Task::kMaskedLm);
  EXPECT_EQ(task("BertForQuestionAnswering"), Task::kQuestionAnswering);
}

TEST(RobustnessA11, WrongSizesNameTheirKey) {
  const Json bert = tiny_bert_config(), gpt2 = tiny_gpt2_config();
  EXPECT_EQ(refusal(bert, "num_attention_heads", 0), "c:1:/num_attention_heads: expected an integer from 1 to 1024, found 0");
  EXPECT_EQ(refusal(bert, "num_attention_heads", 3),
            "c:1:/hidden_size: expected a multiple of num_attention_heads = 3, found 16");
  EXPECT_EQ(refusal(bert, "num_hidden_layers", -1), "c:1:/num_hidden_layers: expected an integer from 1 to 1024, found -1");
  EXPECT_EQ(refusal(bert, "num_hidden_layers", 1'000'000'000),
            "c:1:/num_hidden_layers: expected an integer from 1 to 1024, found 1000000000");
  EXPECT_EQ(refusal(bert, "vocab_size", "40"), "c:1:/vocab_size: expected an integer from 1 to 16777216, found \"40\"");
  EXPECT_EQ(refusal(bert, "intermediate_size", 1.5), "c:1:/intermediate_size: expected an integer from 1 to 1048576, found 1.5");
  EXPECT_EQ(refusal(gpt2, "n_head", 0), "c:1:/n_head: expected an integer from 1 to 1024, found 0");
  EXPECT_EQ(refusal(gpt2, "n_layer", 1'000'000'000), "c:1:/n_layer: expected an integer from 1 to 1024, found 1000000000");
  EXPECT_EQ(refusal(gpt2, "eos_token_id", 40), "c:1:/eos_token_id: expected an integer from 0 to 39, found 40");
  EXPECT_EQ(refusal(bert, "pad_token_id", -1), "c:1:/pad_token_id: expected an integer from 0 to 39, found -1");
  EXPECT_EQ(refusal_of_text(without(bert, "hidden_size").dump()), "c: expected the key \"hidden_size\", found none");
  EXPECT_EQ(refusal_of_text(without(gpt2, "n_positions").dump()), "c: expected the key \"n_positions\", found none");
}

TEST(RobustnessA11, HeadDimensionsAreMultiplesOfSixteenUpTo256) {
  const auto with_head_dim = [](int d) { return refusal(tiny_bert_config(), "hidden_size", d); };
  for (const int d : {16, 32, 48, 64, 80, 128, 256}) EXPECT_EQ(with_head_dim(d), "");
  for (const int d : {1, 8, 24, 63, 264, 272, 512}) {
    EXPECT_EQ(with_head_dim(d), fmt::format("c:1:/hidden_size: expected a head dimension (hidden_size / num_attention_heads) that is a "
                                            "multiple of 16 up to 256, found {}", d));
  }
}

TEST(RobustnessA11, EpsilonsThatAreNoSmallPositiveNumberNameTheirKey) {
  EXPECT_THAT(refusal_of_text("{\"model_type\": \"bert\",\n \"layer_norm_eps\": NaN}"), HasSubstr("c:2:/layer_norm_eps: expected JSON"));
  EXPECT_THAT(refusal_of_text("{\"layer_norm_eps\": 1e999}"), HasSubstr("c:1:/layer_norm_eps: expected JSON"));
  EXPECT_THAT(refusal(tiny_bert_config(), "layer_norm_eps", "NaN"), HasSubstr("c:1:/layer_norm_eps: expected a number from"));
  EXPECT_THAT(refusal(tiny_bert_config(), "layer_norm_eps", 0), HasSubstr("c:1:/layer_norm_eps: expected a number from"));
  EXPECT_THAT(refusal(tiny_gpt2_config(), "layer_norm_epsilon", -1e-5), HasSubstr("c:1:/layer_norm_epsilon: expected a number from"));
}

TEST(RobustnessA11, UnknownWordsNameTheNearest) {
  EXPECT_EQ(refusal(tiny_bert_config(), "model_type", "brt"),
            "c:1:/model_type: expected one of bert, gpt2, found \"brt\", did you mean \"bert\"?");
  EXPECT_THAT(refusal(tiny_bert_config("BertForSequenceClasification"), "num_labels", 2),
              HasSubstr("c:1:/architectures/0: expected one of BertModel"));
  EXPECT_THAT(refusal(tiny_bert_config("BertForSequenceClasification"), "num_labels", 2),
              HasSubstr("did you mean \"BertForSequenceClassification\"?"));
  EXPECT_THAT(refusal(tiny_bert_config(), "hidden_act", "silu"), HasSubstr("c:1:/hidden_act: expected one of gelu"));
  EXPECT_EQ(refusal(tiny_gpt2_config(), "model_type", "bert"), "c:1:/model_type: expected the family of GPT2LMHeadModel, found \"bert\"");
  EXPECT_EQ(refusal_of_text("{}"), "c: expected the key \"model_type\", found none");
  EXPECT_THAT(refusal(tiny_bert_config(), "architectures", "BertModel"), HasSubstr("c:1:/architectures: expected an array"));
  EXPECT_EQ(refusal_of_text("[]"), "c: expected an object, found an array of 0");
}

TEST(RobustnessA11, FeaturesThatWouldChangeTheResultAreRefused) {
  const Json bert = tiny_bert_config(), gpt2 = tiny_gpt2_config();
  EXPECT_EQ(refusal(bert, "is_decoder", true), "c:1:/is_decoder: expected false, found true: true is not supported");
  EXPECT_EQ(refusal(bert, "is_decoder", false), "");
  EXPECT_THAT(refusal(bert, "add_cross_attention", true), HasSubstr("/add_cross_attention"));
  EXPECT_EQ(refusal(bert, "position_embedding_type", "relative_key"),
            "c:1:/position_embedding_type: expected \"absolute\", found \"relative_key\"");
  Json two_heads = bert;
  two_heads.update({{"hidden_size", 32}, {"num_attention_heads", 2}});
  EXPECT_THAT(refusal(two_heads, "num_key_value_heads", 4), HasSubstr("c:1:/num_key_value_heads: expected 2, the number of heads"));
  EXPECT_THAT(refusal(two_heads, "num_key_value_heads", 1), HasSubstr("/num_key_value_heads"));
  EXPECT_EQ(refusal(two_heads, "num_key_value_heads", 2), "");
  EXPECT_THAT(refusal(bert, "pruned_heads", {{"0", {1}}}), HasSubstr("/pruned_heads"));
  EXPECT_EQ(refusal(bert, "pruned_heads", Json::object()), "");
  EXPECT_THAT(refusal(bert, "quantization_config", {{"bits", 4}}), HasSubstr("/quantization_config"));
  EXPECT_THAT(refusal(gpt2, "scale_attn_weights", false), HasSubstr("c:1:/scale_attn_weights: expected true"));
  EXPECT_THAT(refusal(gpt2, "scale_attn_by_inverse_layer_idx", true), HasSubstr("/scale_attn_by_inverse_layer_idx"));
  EXPECT_EQ(refusal(gpt2, "task_specific_params", {{"text-generation", {{"do_sample", true}}}}), "");  // unknown keys are fine
}

TEST(RobustnessA8, HugeConfigurationsAreRefusedCheaply) {
  std::string many = "{\"x\":[0";
  for (int i = 0; i < 1'500'000; ++i) many += ",0";
  for (const std::string& text : {many + "]}", std::string(10'000, '['), std::string(50'000'000, ' ')}) {
    const TempFolder folder;
    const std::string path = folder.write("config.json", text);
    const ChildResult result = run_in_child([&] { load_model_config(path); });
    EXPECT_EQ(result.status, 0);
    EXPECT_THAT(result.message, HasSubstr("expected at most"));
    EXPECT_TRUE(!kCanMeasure || result.cpu_seconds < 1) << result.cpu_seconds;
    EXPECT_TRUE(!kCanMeasure || result.peak_growth_bytes < std::uint64_t{64} << 20) << result.peak_growth_bytes;
  }
}

}  // namespace
}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// Writes tiny models with random weights, one folder per task, tokenizer included: make_models FOLDER.
// The results mean nothing; that they are the same every time is what the tests of the program need.
#include <cstdio>
#include <filesystem>

#include "support/checkpoint_writer.h"

namespace spatten {
namespace {

constexpr std::uint32_t kLayers = 4, kHeads = 4, kHidden = 64;

std::vector<std::string> words() {
  std::vector<std::string> out{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".",     ",",    "?",    "!",     "a",    "the",
                               "film",  "movie", "is",    "was",   "good",   "bad",   "funny", "dull", "story", "that", "of",
                               "what",  "who",   "where", "fox",   "wood",   "river", "in",    "by",   "lived", "and",  "very",
                               "un",    "##for", "##get", "##table", "##s",  "long",  "short"};
  return out;
}

void write_bert(const std::string& folder, const std::string& architecture) {
  std::filesystem::create_directories(folder);
  Json config = tiny_bert_config(architecture);
  config["num_hidden_layers"] = kLayers;
  config["num_attention_heads"] = kHeads;
  config["hidden_size"] = kHidden;
  config["intermediate_size"] = 2 * kHidden;
  config["max_position_embeddings"] = 64;
  config["vocab_size"] = words().size();
  if (architecture == "BertForSequenceClassification") config["id2label"] = {{"0", "negative"}, {"1", "positive"}};
  write_checkpoint(folder, config);
  std::string vocabulary;
  for (const std::string& w : words()) vocabulary += w + "\n";
  put_file(join_path(folder, "vocab.txt"), vocabulary);
}

/// The letter that GPT-2's files write for a byte: itself where it prints, else one from U+0100 on.
std::string byte_letter(unsigned byte) {
  const auto prints = [](unsigned b) { return (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174; };
  unsigned code = byte;
  if (!prints(byte)) {
    code = 256;
    for (unsigned b = 0; b < byte; ++b) code += prints(b) ? 0 : 1;
  }
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  return {static_cast<char>(0xC0 | (code >> 6)), static_cast<char>(0x80 | (code & 0x3F))};
}

void write_gpt2(const std::string& folder) {
  std::filesystem::create_directories(folder);
  Json vocabulary = Json::object();
  for (unsigned b = 0; b < 256; ++b) vocabulary[byte_letter(b)] = b;
  vocabulary["<|endoftext|>"] = 256;
  Json config = tiny_gpt2_config();
  config["n_layer"] = kLayers;
  config["n_head"] = kHeads;
  config["n_embd"] = kHidden;
  config["n_positions"] = 128;
  config["vocab_size"] = vocabulary.size();
  config["bos_token_id"] = 256;
  config["eos_token_id"] = 256;
  write_checkpoint(folder, config);
  put_file(join_path(folder, "vocab.json"), vocabulary.dump());
  put_file(join_path(folder, "merges.txt"), "#version: 0.2\n");
}

}  // namespace
}  // namespace spatten

int main(int argc, char** argv) {
  if (argc != 2) return std::fprintf(stderr, "usage: make_models FOLDER\n"), 2;
  const std::string root = argv[1];
  spatten::write_bert(root + "/classify", "BertForSequenceClassification");
  spatten::write_bert(root + "/answer", "BertForQuestionAnswering");
  spatten::write_bert(root + "/fill", "BertForMaskedLM");
  spatten::write_gpt2(root + "/generate");
  return 0;
}

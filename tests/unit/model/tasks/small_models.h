// SPDX-License-Identifier: Apache-2.0
// Whole model folders with random weights and vocabularies of a few words.
#pragma once

#include <string>
#include <vector>

#include "spatten/model/model.h"
#include "support/checkpoint_writer.h"
#include "support/small_vocabularies.h"

namespace spatten {

/// Lower case, so that "Café" is "cafe".
inline const std::vector<std::string>& small_words() {
  static const std::vector<std::string> words{"the", "cat", "sat", "on", "mat", "cafe", "noir", "ou", "dog", "ran", "##s", "far", ",", "?"};
  return words;
}

/// Writes weights and vocabulary; returns the folder.
inline const std::string& write_small_model(const TempFolder& folder, const std::string& architecture, int positions,
                                            const Json& more) {
  const bool bert = architecture.starts_with("Bert");
  Json config = bert ? tiny_bert_config(architecture) : tiny_gpt2_config();
  config[bert ? "hidden_size" : "n_embd"] = 32;
  config[bert ? "num_attention_heads" : "n_head"] = 2;
  config[bert ? "max_position_embeddings" : "n_positions"] = positions;
  config["vocab_size"] = bert ? small_words().size() + 5 : small_bpe().tokens().size();
  if (!bert) config["bos_token_id"] = config["eos_token_id"] = 260;
  config.update(more);
  write_checkpoint(folder.path(), config, {.seed = 3});
  if (bert) {
    folder.write("vocab.txt", bert_vocab(small_words()));
  } else {
    folder.write("vocab.json", small_bpe().vocab_json());
    folder.write("merges.txt", small_bpe().merges_txt());
  }
  return folder.path();
}

/// A loaded model and what it needs to live.
struct SmallModel {
  ThreadPool threads{2};
  TempFolder folder;
  Model model;
  RunOptions options;

  /// `architecture` of BERT, or "GPT2LMHeadModel"; `positions`: longest sequence; `more`: keys of config.json.
  explicit SmallModel(const std::string& architecture, int positions = 64, const Json& more = Json::object())
      : model(load_model(write_small_model(folder, architecture, positions, more), threads)) {
    options.threads = &threads;
  }
};

}  // namespace spatten

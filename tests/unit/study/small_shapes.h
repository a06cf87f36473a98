// SPDX-License-Identifier: Apache-2.0
// The least shapes that the kernels run (heads of 16 dimensions): two layers, two heads, 40 tokens, 12 positions.
#pragma once

#include "support/checkpoint_writer.h"

namespace spatten {

inline Json small_bert(const std::string& architecture = "BertModel") {
  Json config = tiny_bert_config(architecture);
  config["hidden_size"] = 32;
  return config;
}

inline Json small_gpt2() {
  Json config = tiny_gpt2_config();
  config["n_embd"] = 32;
  return config;
}

inline ModelConfig config_of(const Json& config) { return read_model_config(JsonFile::parse(config.dump(), "config.json")); }

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/app/verb.h"

namespace spatten::app {

const std::vector<VerbEntry>& verbs() {
  static const std::vector<VerbEntry> kVerbs{
      {"demo", "Start here", make_demo},
      {"classify", "Encoders (BERT)", make_classify},
      {"answer", "Encoders (BERT)", make_answer},
      {"embed", "Encoders (BERT)", make_embed},
      {"rerank", "Encoders (BERT)", make_rerank},
      {"fill", "Encoders (BERT)", make_fill},
      {"generate", "Decoders (GPT-2)", make_generate},
      {"perplexity", "Decoders (GPT-2)", make_perplexity},
      {"tokenize", "Look inside", make_tokenize},
      {"inspect", "Look inside", make_inspect},
      {"trace", "Look inside", make_trace},
      {"bench", "Look inside", make_bench},
      {"simulate", "The chip", make_simulate},
      {"dram", "The chip", make_dram},
  };
  return kVerbs;
}

}  // namespace spatten::app

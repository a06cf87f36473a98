// SPDX-License-Identifier: Apache-2.0
// Vocabularies small enough to check results by hand, as the files of a model folder.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "spatten/base/json_tree.h"
#include "spatten/model/tokenizer/byte_alphabet.h"
#include "spatten/model/tokenizer/load.h"
#include "support/error_message.h"

namespace spatten {

/// Ids are the positions: [PAD] 0, [UNK] 1, [CLS] 2, [SEP] 3, [MASK] 4, then `words` from 5.
inline std::string bert_vocab(const std::vector<std::string>& words, const std::string& line_end = "\n") {
  std::string out;
  for (const char* t : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}) out += t + line_end;
  for (const std::string& w : words) out += w + line_end;
  return out;
}

inline TokenizerFiles bert_files(const std::vector<std::string>& words, const std::string& config = "") {
  TokenizerFiles files{"m", {{"vocab.txt", bert_vocab(words)}}};
  if (!config.empty()) files.contents["tokenizer_config.json"] = config;
  return files;
}

/// The 256 bytes with their values as ids, then the result of each merge from 256, then <|endoftext|>.
struct SmallBpe {
  std::vector<std::pair<std::string, std::string>> merges;  // bytes

  std::vector<std::string> tokens() const {
    std::vector<std::string> out;
    for (int b = 0; b < 256; ++b) out.push_back(to_byte_alphabet(std::string(1, static_cast<char>(b))));
    for (const auto& [left, right] : merges) out.push_back(to_byte_alphabet(left + right));
    out.push_back("<|endoftext|>");
    return out;
  }
  std::string vocab_json() const {
    Json out;
    int id = 0;
    for (const std::string& t : tokens()) out[t] = id++;
    return dump_json(out);
  }
  std::string merges_txt(const std::string& line_end = "\n") const {
    std::string out = "#version: 0.2" + line_end;
    for (const auto& [left, right] : merges) {
      out += to_byte_alphabet(left) + " " + to_byte_alphabet(right) + line_end;
    }
    return out;
  }
  TokenizerFiles files() const { return {"m", {{"vocab.json", vocab_json()}, {"merges.txt", merges_txt()}}}; }
};

/// 256 "th", 257 "the", 258 " t", 259 " the", 260 "<|endoftext|>". The last rule joins what the third and second leave.
inline SmallBpe small_bpe() { return {{{"t", "h"}, {"th", "e"}, {" ", "t"}, {" ", "the"}}}; }

using Ids = std::vector<std::int32_t>;
using Offsets = std::vector<Offset>;

constexpr EncodeOptions kPlain{.special_tokens = false, .special_in_text = false};

}  // namespace spatten

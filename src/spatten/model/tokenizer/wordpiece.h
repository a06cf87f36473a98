// SPDX-License-Identifier: Apache-2.0
// WordPiece (BERT): each word is cut greedily into the longest known pieces; those after the first carry "##". A word
// with an unknown rest, or of more than max_word_characters, is [UNK].
#pragma once

#include "spatten/model/tokenizer/basic_words.h"
#include "spatten/model/tokenizer/tokenizer.h"

namespace spatten {

struct WordPieceOptions {
  BertNormalization normalization;
  std::string continuation = "##";
  std::size_t max_word_characters = 100;
};

class WordPieceTokenizer final : public Tokenizer {
 public:
  /// parts.special.unk must be set.
  WordPieceTokenizer(TokenizerParts parts, WordPieceOptions options);

  Encoding with_special_tokens(const Encoding& a) const override;
  Encoding with_special_tokens(const Encoding& a, const Encoding& b) const override;
  std::string decode(std::span<const std::int32_t> ids, const DecodeOptions& options) const override;
  std::string token(std::int32_t id) const override;
  std::string token_bytes(std::int32_t id) const override;
  std::string_view kind() const override { return "WordPiece"; }

  const WordPieceOptions& options() const { return options_; }

 private:
  void encode_plain(std::string_view text, std::size_t base, Encoding& out) const override;
  void encode_word(const Word& word, std::size_t base, Encoding& out) const;

  WordPieceOptions options_;
  Trie pieces_;
  Trie::Node continuation_node_;  // below it are the pieces that continue a word
};

}  // namespace spatten

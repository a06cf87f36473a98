// SPDX-License-Identifier: Apache-2.0
// Text to token ids and back. Two kinds exist: WordPiece (BERT) and byte-level BPE (GPT-2); load.h makes one from a
// model folder. A tokenizer is immutable: any number of threads may use it at once.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "spatten/model/tokenizer/added_tokens.h"
#include "spatten/model/tokenizer/encoding.h"
#include "spatten/model/tokenizer/vocabulary.h"

namespace spatten {

struct EncodeOptions {
  bool special_tokens = true;   // put [CLS] and [SEP] around the text (BERT; GPT-2 has none to add)
  bool special_in_text = true;  // "[MASK]" or "<|endoftext|>" written in the text is that token, not its characters
};

struct DecodeOptions {
  bool skip_special = true;  // leave special tokens out
};

/// Ids of the tokens with a role; empty when the vocabulary has none.
struct SpecialIds {
  std::optional<std::int32_t> cls, sep, mask, pad, unk, bos, eos;
};

/// What every kind of tokenizer is made of.
struct TokenizerParts {
  Vocabulary vocabulary;
  AddedTokens added;
  SpecialIds special;
};

class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  /// Any bytes are accepted; the empty text gives only the added special tokens.
  Encoding encode(std::string_view text, const EncodeOptions& options = {}) const;
  /// BERT: [CLS] a [SEP] b [SEP], types 0 and 1. GPT-2: a, then b. Offsets are into a and b, each from 0.
  Encoding encode_pair(std::string_view a, std::string_view b, const EncodeOptions& options = {}) const;

  /// Puts special tokens around encodings made without them (for windows over long texts). Throws Error when BERT's
  /// vocabulary lacks [CLS] or [SEP].
  virtual Encoding with_special_tokens(const Encoding& a) const = 0;
  virtual Encoding with_special_tokens(const Encoding& a, const Encoding& b) const = 0;

  /// The text of these ids. BPE gives back the exact bytes of encode(); WordPiece joins words by spaces and, as Hugging
  /// Face does, takes away those before punctuation. Throws Error for an id outside the vocabulary.
  virtual std::string decode(std::span<const std::int32_t> ids, const DecodeOptions& options = {}) const = 0;
  /// What people read for a token: "##ing"; for BPE its decoded bytes (" the"), which may be a part of a character.
  virtual std::string token(std::int32_t id) const = 0;
  /// The bytes that the token adds to a growing text, for streaming: BPE the same as token(), WordPiece " word" or
  /// "ing".
  virtual std::string token_bytes(std::int32_t id) const = 0;
  /// "WordPiece" or "BPE".
  virtual std::string_view kind() const = 0;

  /// Ids are 0 .. vocab_size() - 1, without holes; a model may have more rows in its embedding table.
  std::size_t vocab_size() const { return parts_.vocabulary.size(); }
  const SpecialIds& special() const { return parts_.special; }
  bool is_special(std::int32_t id) const { return parts_.added.is_special(id); }
  /// Id of a token as the vocabulary file writes it ("##ing", "Ġthe").
  std::optional<std::int32_t> find(std::string_view token) const { return parts_.vocabulary.find(token); }

 protected:
  explicit Tokenizer(TokenizerParts parts);

  /// Appends the tokens of a piece of text that holds no added token; `base` is where it starts in the whole text.
  virtual void encode_plain(std::string_view text, std::size_t base, Encoding& out) const = 0;
  /// Throws Error unless 0 <= id < vocab_size().
  void check_id(std::int32_t id) const;

  TokenizerParts parts_;

 private:
  Encoding encode_text(std::string_view text, const EncodeOptions& options) const;
};

}  // namespace spatten

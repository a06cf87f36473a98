// SPDX-License-Identifier: Apache-2.0
// Byte-level BPE (GPT-2): words by gpt2_words, their bytes merged pair by pair. No byte string is unknown, and decoding
// gives back exactly the bytes that were encoded.
#pragma once

#include <array>

#include "spatten/model/tokenizer/merges.h"
#include "spatten/model/tokenizer/tokenizer.h"

namespace spatten {

class BytePairTokenizer final : public Tokenizer {
 public:
  /// `add_prefix_space`: each text starts with a space, its own or one that is added (decode() then returns it too).
  /// Throws Error on `file` when one of the 256 single-byte tokens is missing, when a token is neither of the byte
  /// alphabet nor an added one, or when an added token stands for other bytes than the byte or the merge of the same
  /// text.
  BytePairTokenizer(TokenizerParts parts, Merges merges, bool add_prefix_space, const std::string& file);

  Encoding with_special_tokens(const Encoding& a) const override { return a; }
  Encoding with_special_tokens(const Encoding& a, const Encoding& b) const override;
  std::string decode(std::span<const std::int32_t> ids, const DecodeOptions& options) const override;
  std::string token(std::int32_t id) const override { return token_bytes(id); }
  std::string token_bytes(std::int32_t id) const override;
  std::string_view kind() const override { return "BPE"; }

 private:
  std::string bytes_of(std::int32_t id, const std::string& file) const;
  void find_byte_tokens(const std::string& file);
  void check_merges(const std::string& file) const;
  void encode_plain(std::string_view text, std::size_t base, Encoding& out) const override;

  Merges merges_;
  bool add_prefix_space_;
  std::vector<std::string> bytes_;            // by id
  std::array<std::int32_t, 256> byte_ids_{};  // token of each single byte
};

}  // namespace spatten

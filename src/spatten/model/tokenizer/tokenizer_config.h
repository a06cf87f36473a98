// SPDX-License-Identifier: Apache-2.0
// What tokenizer_config.json, added_tokens.json and the token lists of tokenizer.json say about tokens: their roles
// ("cls_token": "[CLS]"), and which of them are looked for in raw text. Keys that we do not know are accepted; one that
// would change the result in a way that is not implemented is an error that names it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spatten/base/json.h"
#include "spatten/model/tokenizer/tokenizer.h"

namespace spatten {

struct RoleNames {
  std::optional<std::string> cls, sep, mask, pad, unk, bos, eos;

  template <class Names, class F>
  static void each(Names& names, F&& f) {
    f("cls_token", names.cls, &SpecialIds::cls);
    f("sep_token", names.sep, &SpecialIds::sep);
    f("mask_token", names.mask, &SpecialIds::mask);
    f("pad_token", names.pad, &SpecialIds::pad);
    f("unk_token", names.unk, &SpecialIds::unk);
    f("bos_token", names.bos, &SpecialIds::bos);
    f("eos_token", names.eos, &SpecialIds::eos);
  }
  static RoleNames bert() { return {"[CLS]", "[SEP]", "[MASK]", "[PAD]", "[UNK]", {}, {}}; }
  static RoleNames gpt2() { return {{}, {}, {}, {}, "<|endoftext|>", "<|endoftext|>", "<|endoftext|>"}; }
};

struct TokenizerConfig {
  RoleNames roles;  // those that the file names; null counts as absent
  std::optional<bool> do_lower_case, strip_accents, tokenize_chinese_chars, add_prefix_space;
};

/// Reads tokenizer_config.json; its "added_tokens_decoder" goes to `added`.
TokenizerConfig read_tokenizer_config(const JsonNode& root, VocabularyBuilder& vocabulary,
                                      std::vector<AddedToken>& added);

/// added_tokens.json: {"text": id}. These tokens are not special unless they have a role.
void read_added_tokens_file(const JsonNode& root, VocabularyBuilder& vocabulary, std::vector<AddedToken>& added);

/// "added_tokens" of tokenizer.json: [{"id", "content", "special", ...}].
void read_added_tokens_list(const JsonNode& list, VocabularyBuilder& vocabulary, std::vector<AddedToken>& added);

/// Puts everything together. `named` wins over `defaults`; a role whose token is not in the vocabulary stays empty.
/// Tokens with a role are special.
TokenizerParts make_parts(Vocabulary vocabulary, std::vector<AddedToken> added, const RoleNames& named,
                          const RoleNames& defaults);

}  // namespace spatten

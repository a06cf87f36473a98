// SPDX-License-Identifier: Apache-2.0
// Makes the tokenizer of a Hugging Face folder. Which files are read, what is repaired and what is refused:
//   vocab.txt                  WordPiece;       else tokenizer.json
//   vocab.json + merges.txt    byte-level BPE;  else tokenizer.json
//   tokenizer_config.json      roles of tokens, do_lower_case, strip_accents, tokenize_chinese_chars, add_prefix_space
//   added_tokens.json          beside the first two
// Where nothing says whether vocab.txt is of lower case, it is when none of its tokens (but "[...]") has an upper-case
// letter; accents are stripped where case is, unless strip_accents says otherwise.
// Repaired: a byte order mark, CRLF line ends, empty lines at the end. Refused with file and line: duplicate tokens,
// holes in the ids, invalid UTF-8, missing [UNK] or byte tokens, merges of absent tokens, anything above the limits.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "spatten/model/config.h"
#include "spatten/model/tokenizer/tokenizer.h"

namespace spatten {

/// The files of a folder as bytes, by name ("vocab.txt"). Errors call them FOLDER/NAME.
struct TokenizerFiles {
  std::string folder;
  std::map<std::string, std::string, std::less<>> contents;
};

/// `family` narrows the search to the kind that it uses. Throws Error with file and place, or one that lists the files
/// that were looked for.
std::unique_ptr<Tokenizer> make_tokenizer(const TokenizerFiles& files, std::optional<Family> family = std::nullopt);
std::unique_ptr<Tokenizer> load_tokenizer(const std::string& folder, std::optional<Family> family = std::nullopt);

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
// The formats of token lists: vocab.txt (a token a line), the JSON object {"token": id}, merges.txt ("left right" a
// line under an optional "#version" line) and the merges array of tokenizer.json. A byte order mark, CRLF line ends and
// empty lines at the end are repaired; everything else that is wrong throws Error with the line.
#pragma once

#include <string>
#include <string_view>

#include "spatten/base/json.h"
#include "spatten/model/tokenizer/merges.h"
#include "spatten/model/tokenizer/vocabulary.h"

namespace spatten {

void read_vocab_txt(std::string_view text, const std::string& file, VocabularyBuilder& out);
void read_vocab_json(const JsonNode& object, VocabularyBuilder& out);
Merges read_merges_txt(std::string_view text, const std::string& file, const Vocabulary& vocabulary);
/// Entries "left right" or ["left", "right"].
Merges read_merges_json(const JsonNode& list, const Vocabulary& vocabulary);

/// JSON with the limits of VocabularyLimits; a byte order mark is taken away.
JsonFile parse_tokenizer_json(std::string text, const std::string& file);

}  // namespace spatten

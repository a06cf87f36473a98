// SPDX-License-Identifier: Apache-2.0
// tokenizer.json of Hugging Face's tokenizers library, for the two kinds that BERT and GPT-2 use. Read: model
// (WordPiece, BPE), normalizer (BertNormalizer), pre_tokenizer (BertPreTokenizer, ByteLevel), added_tokens. Not needed:
// decoder, post_processor, truncation, padding. Any other type is an error that names it.
#pragma once

#include <memory>

#include "spatten/base/json.h"
#include "spatten/model/tokenizer/tokenizer.h"

namespace spatten {

/// `config`: root of the tokenizer_config.json beside it, which may name the roles of tokens; null when there is none.
std::unique_ptr<Tokenizer> tokenizer_from_json(const JsonFile& file, const JsonFile* config);

}  // namespace spatten

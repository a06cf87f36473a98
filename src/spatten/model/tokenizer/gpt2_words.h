// SPDX-License-Identifier: Apache-2.0
// GPT-2's words, the matches of
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
// by a scanner that looks at each code point at most twice (an engine that backtracks needs limits; this needs none).
// Invalid UTF-8 counts as "neither space, letter nor number", so that every byte belongs to exactly one word.
#pragma once

#include <cstddef>
#include <string_view>

namespace spatten {

/// End (in bytes) of the word that starts at `begin` < text.size(), a place where the scan has arrived.
std::size_t gpt2_word_end(std::string_view text, std::size_t begin);

}  // namespace spatten

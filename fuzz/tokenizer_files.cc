// SPDX-License-Identifier: Apache-2.0
// Any bytes as the files of a tokenizer: they are refused with an Error, or make a tokenizer that works. The input
// holds several files, each behind a line "@NAME"; NAME is cut to one of the known names by its first letter.
#include <cstdlib>
#include <string>

#include "spatten/base/error.h"
#include "spatten/model/tokenizer/load.h"

using namespace spatten;

namespace {

const char* known_name(char letter) {
  switch (letter) {
    case 'v':
      return "vocab.txt";
    case 'j':
      return "vocab.json";
    case 'm':
      return "merges.txt";
    case 't':
      return "tokenizer.json";
    case 'c':
      return "tokenizer_config.json";
    case 'a':
      return "added_tokens.json";
    default:
      return nullptr;
  }
}

TokenizerFiles split(std::string_view input) {
  TokenizerFiles files{"fuzz", {}};
  std::string* current = nullptr;
  while (!input.empty()) {
    const std::size_t end = std::min(input.find('\n'), input.size() - 1) + 1;
    const std::string_view line = input.substr(0, end);
    const char* name = line.size() > 2 && line[0] == '@' ? known_name(line[1]) : nullptr;
    if (name != nullptr) {
      current = &files.contents[name];
    } else if (current != nullptr) {
      current->append(line);
    }
    input.remove_prefix(end);
  }
  return files;
}

void use(const Tokenizer& tokenizer) {
  const std::string text = "The caf\xC3\xA9, it's 12\xFF <|endoftext|>[MASK] the\n";
  const Encoding e = tokenizer.encode(text, {.special_tokens = false});
  for (const std::int32_t id : e.ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= tokenizer.vocab_size()) std::abort();
  }
  for (const Offset& o : e.offsets) {
    if (o.begin > o.end || o.end > text.size()) std::abort();
  }
  const std::string back = tokenizer.decode(e.ids, {.skip_special = false});
  // With a prefix space each piece between added tokens may gain one.
  if (tokenizer.kind() == "BPE" && back.size() < text.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const TokenizerFiles files = split({reinterpret_cast<const char*>(data), size});
  for (const std::optional<Family> family : {std::optional<Family>{}, std::optional(Family::kGpt2)}) {
    std::unique_ptr<Tokenizer> tokenizer;
    try {
      tokenizer = make_tokenizer(files, family);
    } catch (const Error&) {
      continue;
    }
    use(*tokenizer);
  }
  return 0;
}

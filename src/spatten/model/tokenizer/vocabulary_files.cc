// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/vocabulary_files.h"

#include "spatten/base/utf8.h"

namespace spatten {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// Calls take(line number from 1, line) for each line up to the last that is not empty.
template <class Take>
void for_each_line(std::string_view text, const std::string& file, Take take) {
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
  for (std::size_t number = 1, begin = 0; begin < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (first_invalid_utf8(line) < line.size())
      throw Error(file, std::to_string(number), "expected UTF-8, found other bytes");
    take(number, line);
    begin = end + 1;
  }
}

std::optional<std::string> add_merge(std::string_view line, const Vocabulary& vocabulary, Merges& out) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos || line.find(' ', space + 1) != std::string_view::npos) {
    return fmt::format("expected two tokens and a space between them, found {}", printable(line));
  }
  return out.add(line.substr(0, space), line.substr(space + 1), vocabulary);
}

}  // namespace

void read_vocab_txt(std::string_view text, const std::string& file, VocabularyBuilder& out) {
  for_each_line(text, file, [&](std::size_t number, std::string_view line) {
    const auto wrong = out.add(std::string(line), static_cast<std::int64_t>(number) - 1);
    if (wrong) throw Error(file, std::to_string(number), *wrong);
  });
}

void read_vocab_json(const JsonNode& object, VocabularyBuilder& out) {
  if (!object.is_object()) object.fail_expected("an object of token ids");
  for (const JsonNode& node : object.items()) {
    if (const auto wrong = out.add(node.key(), node.integer(0, VocabularyLimits::kTokens - 1))) node.fail(*wrong);
  }
}

Merges read_merges_txt(std::string_view text, const std::string& file, const Vocabulary& vocabulary) {
  Merges out;
  for_each_line(text, file, [&](std::size_t number, std::string_view line) {
    if (number == 1 && line.starts_with("#version")) return;
    if (const auto wrong = add_merge(line, vocabulary, out)) throw Error(file, std::to_string(number), *wrong);
  });
  return out;
}

Merges read_merges_json(const JsonNode& list, const Vocabulary& vocabulary) {
  if (!list.is_array()) list.fail_expected("an array of merges");
  Merges out;
  for (const JsonNode& node : list.items()) {
    std::optional<std::string> wrong;
    if (node.is_array() && node.size() == 2) {
      const auto parts = node.items();
      wrong = out.add(parts[0].string(), parts[1].string(), vocabulary);
    } else {
      wrong = add_merge(node.string(), vocabulary, out);
    }
    if (wrong) node.fail(*wrong);
  }
  return out;
}

JsonFile parse_tokenizer_json(std::string text, const std::string& file) {
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  return JsonFile::parse(std::move(text), file, {VocabularyLimits::kFileBytes, 64, std::uint64_t{8} << 20});
}

}  // namespace spatten

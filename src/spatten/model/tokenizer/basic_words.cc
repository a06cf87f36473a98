// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/tokenizer/basic_words.h"

#include <algorithm>

#include "spatten/model/tokenizer/unicode.h"

namespace spatten {
namespace {

class WordSplitter {
 public:
  WordSplitter(const BertNormalization& normalization, std::size_t limit, const std::function<void(const Word&)>& take)
      : rules_(normalization), limit_(limit), take_(take) {}

  void raw(char32_t c, Offset origin) {
    if (rules_.clean_text) {
      if (c == 0 || c == kReplacement || is_control(c)) return;
      if (is_space(c)) return flush();
    }
    if (rules_.split_chinese && is_cjk_ideograph(c)) {
      flush();
      normalise(c, origin);
      flush();
    } else {
      normalise(c, origin);
    }
  }

  void flush() {
    if (letters_.empty()) return;
    order_marks();
    word_.text.clear();
    word_.origins.clear();
    for (const Letter& letter : letters_) {
      append_utf8(word_.text, letter.value);
      word_.origins.resize(word_.text.size(), letter.origin);
    }
    word_.characters = characters_;
    word_.span = {letters_.front().origin.begin, end_};
    take_(word_);
    letters_.clear();
    characters_ = 0;
  }

 private:
  struct Letter {
    char32_t value;
    Offset origin;
  };

  void normalise(char32_t c, Offset origin) {
    if (!rules_.strip_accents) return lower(c, origin);
    char32_t parts[4];
    const std::size_t n = decompose(c, parts);
    for (std::size_t i = 0; i < n; ++i) {
      if (is_accent(parts[i])) {
        extend(origin.end);
      } else {
        lower(parts[i], origin);
      }
    }
  }

  void lower(char32_t c, Offset origin) {
    if (!rules_.lower_case) return put(c, origin);
    if (c == 0x130) {  // the one letter whose lower case is two: i and a dot above
      put('i', origin);
      return put(0x307, origin);
    }
    put(to_lower(c), origin);
  }

  void put(char32_t c, Offset origin) {
    if (is_space(c)) return flush();
    if (is_punctuation(c)) {
      flush();
      add(c, origin);
      return flush();
    }
    add(c, origin);
  }

  void add(char32_t c, Offset origin) {
    if (characters_++ < limit_) letters_.push_back({c, origin});
    end_ = origin.end;
  }

  /// A stripped accent: the letter before it, if any, stands for its bytes too.
  void extend(std::size_t end) {
    if (letters_.empty()) return;
    if (characters_ <= limit_) letters_.back().origin.end = end;
    end_ = end;
  }

  /// Canonical ordering of what decomposition left: few marks are not of category Mn, so this hardly ever does
  /// anything.
  void order_marks() {
    if (!rules_.strip_accents) return;
    const auto by_class = [](const Letter& a, const Letter& b) {
      return combining_class(a.value) < combining_class(b.value);
    };
    for (auto begin = letters_.begin(); begin != letters_.end();) {
      if (combining_class(begin->value) == 0) {
        ++begin;
        continue;
      }
      const auto end =
          std::find_if(begin, letters_.end(), [](const Letter& l) { return combining_class(l.value) == 0; });
      if (!std::is_sorted(begin, end, by_class)) {
        const Offset all{begin->origin.begin, (end - 1)->origin.end};
        std::stable_sort(begin, end, by_class);
        std::for_each(begin, end, [&](Letter& l) { l.origin = all; });  // keeps offsets in order
      }
      begin = end;
    }
  }

  const BertNormalization& rules_;
  const std::size_t limit_;
  const std::function<void(const Word&)>& take_;
  std::vector<Letter> letters_;  // of the word in progress, at most limit_
  std::size_t characters_ = 0, end_ = 0;
  Word word_;
};

}  // namespace

void for_each_word(std::string_view text, const BertNormalization& normalization, std::size_t max_characters,
                   const std::function<void(const Word&)>& take) {
  WordSplitter splitter(normalization, std::max<std::size_t>(max_characters, 1), take);
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint c = decode_utf8(text, at);
    splitter.raw(c.value, {at, at + c.bytes});
    at += c.bytes;
  }
  splitter.flush();
}

}  // namespace spatten

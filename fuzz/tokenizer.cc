// SPDX-License-Identifier: Apache-2.0
// Any bytes as text, on two small vocabularies: nothing is thrown, ids and offsets are sound, BPE gives the bytes back.
#include <cstdlib>
#include <string>

#include "spatten/base/json_tree.h"
#include "spatten/model/tokenizer/byte_alphabet.h"
#include "spatten/model/tokenizer/load.h"

using namespace spatten;

namespace {

std::unique_ptr<Tokenizer> make_bpe() {
  Json vocab;
  int id = 0;
  for (int b = 0; b < 256; ++b) vocab[to_byte_alphabet(std::string(1, static_cast<char>(b)))] = id++;
  for (const char* token : {"th", "the", "Ġt", "Ġthe", "aa", "aaaa", "ĠĠ", "<|endoftext|>"}) vocab[token] = id++;
  const char* merges = "t h\nth e\nĠ t\nĠ the\na a\naa aa\nĠ Ġ\n";
  return make_tokenizer({"bpe", {{"vocab.json", dump_json(vocab)}, {"merges.txt", merges}}});
}

std::unique_ptr<Tokenizer> make_wordpiece(const char* config) {
  const char* vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\na\n##a\ne\n##e\nthe\n##the\ni\n!\n'\né\n中\nᄀ\n##ᅡ\n";
  return make_tokenizer({"bert", {{"vocab.txt", vocab}, {"tokenizer_config.json", config}}});
}

void expect(bool holds) {
  if (!holds) std::abort();
}

void check(const Tokenizer& tokenizer, std::string_view text, const EncodeOptions& options) {
  const Encoding e = tokenizer.encode(text, options);
  expect(e.offsets.size() == e.size() && e.flags.size() == e.size() && e.type_ids.size() == e.size());
  Offset before;
  for (std::size_t i = 0; i < e.size(); ++i) {
    const Offset& o = e.offsets[i];
    expect(e.ids[i] >= 0 && static_cast<std::size_t>(e.ids[i]) < tokenizer.vocab_size());
    expect(before.begin <= o.begin && before.end <= o.end && o.begin <= o.end && o.end <= text.size());
    before = o;
  }
  expect(character_offsets(text, e.offsets).size() == e.size());
  const std::string back = tokenizer.decode(e.ids, {.skip_special = false});
  if (tokenizer.kind() == "BPE") expect(back == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto bpe = make_bpe();
  static const auto uncased = make_wordpiece(R"({"do_lower_case": true})");
  static const auto cased = make_wordpiece(R"({"do_lower_case": false})");
  static const auto lower_only = make_wordpiece(R"({"do_lower_case": true, "strip_accents": false})");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const Tokenizer* tokenizer : {bpe.get(), uncased.get(), cased.get(), lower_only.get()}) {
    for (const bool special_in_text : {false, true}) {
      check(*tokenizer, text, {.special_tokens = false, .special_in_text = special_in_text});
    }
  }
  return 0;
}

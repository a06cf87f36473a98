// SPDX-License-Identifier: Apache-2.0
// tokenizer.json: the same results as from the separate files, and a clear refusal of kinds that are not implemented.
#include "spatten/model/tokenizer/tokenizer_json.h"

#include <gtest/gtest.h>

#include "support/small_vocabularies.h"

namespace spatten {
namespace {

Json bpe_json() {
  const SmallBpe bpe = small_bpe();
  Json vocab, merges = Json::array();
  int id = 0;
  for (const std::string& t : bpe.tokens()) vocab[t] = id++;
  for (const auto& [left, right] : bpe.merges) {
    merges.push_back(to_byte_alphabet(left) + " " + to_byte_alphabet(right));
  }
  return Json{{"version", "1.0"},
              {"added_tokens", {{{"id", 260}, {"content", "<|endoftext|>"}, {"special", true}, {"normalized", true}}}},
              {"normalizer", nullptr},
              {"pre_tokenizer", {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}}},
              {"post_processor", {{"type", "ByteLevel"}}},
              {"decoder", {{"type", "ByteLevel"}}},
              {"model",
               {{"type", "BPE"},
                {"dropout", nullptr},
                {"unk_token", nullptr},
                {"continuing_subword_prefix", ""},
                {"end_of_word_suffix", ""},
                {"fuse_unk", false},
                {"vocab", vocab},
                {"merges", merges}}}};
}

Json bert_json() {
  const Json vocab{{"[PAD]", 0},  {"[UNK]", 1}, {"[CLS]", 2}, {"[SEP]", 3},
                   {"[MASK]", 4}, {"a", 5},     {"##b", 6},   {"é", 7}};
  return Json{{"added_tokens", {{{"id", 4}, {"content", "[MASK]"}, {"special", true}, {"lstrip", false}}}},
              {"normalizer",
               {{"type", "BertNormalizer"},
                {"clean_text", true},
                {"handle_chinese_chars", true},
                {"strip_accents", nullptr},
                {"lowercase", true}}},
              {"pre_tokenizer", {{"type", "BertPreTokenizer"}}},
              {"post_processor", {{"type", "TemplateProcessing"}}},
              {"model",
               {{"type", "WordPiece"},
                {"unk_token", "[UNK]"},
                {"continuing_subword_prefix", "##"},
                {"max_input_chars_per_word", 3},
                {"vocab", vocab}}}};
}

std::unique_ptr<Tokenizer> load(const Json& json, std::optional<Family> family = std::nullopt) {
  return make_tokenizer({"m", {{"tokenizer.json", dump_json(json, 1)}}}, family);
}

/// The error after setting the value at a JSON pointer.
std::string error_with(Json json, const char* pointer, const Json& value) {
  json[Json::json_pointer(pointer)] = value;
  return error_message([&] { load(json); });
}

TEST(TokenizerJson, BpeGivesWhatItsFilesGive) {
  const auto a = make_tokenizer(small_bpe().files());
  Json pairs = bpe_json();
  for (Json& m : pairs["model"]["merges"]) {
    const std::string text = m.get<std::string>();
    m = {text.substr(0, text.find(' ')), text.substr(text.find(' ') + 1)};
  }
  Json untyped = bpe_json();
  untyped["model"].erase("type");
  for (const Json& json : {bpe_json(), pairs, untyped}) {
    const auto b = load(json, Family::kGpt2);
    for (const char* text : {"the the", "<|endoftext|>é\xFF", "", " tthe"}) {
      EXPECT_EQ(a->encode(text).ids, b->encode(text).ids);
      EXPECT_EQ(b->decode(b->encode(text).ids, {.skip_special = false}), text);
    }
    EXPECT_EQ(b->special().eos, 260);
  }
}

TEST(TokenizerJson, BpePrefixSpaceIsRead) {
  Json json = bpe_json();
  json["pre_tokenizer"]["add_prefix_space"] = true;
  EXPECT_EQ(load(json)->encode("the").ids, (Ids{259}));
}

TEST(TokenizerJson, WordPieceReadsNormalizerAndModel) {
  const auto t = load(bert_json(), Family::kBert);
  EXPECT_EQ(t->encode("AB [MASK] É").ids, (Ids{2, 5, 6, 4, 1, 3}));
  EXPECT_EQ(t->encode("abb", kPlain).ids, (Ids{5, 6, 6}));
  EXPECT_EQ(t->encode("abbb", kPlain).ids, (Ids{1}));  // four characters, three allowed
  Json accents = bert_json();
  accents["normalizer"]["strip_accents"] = false;
  EXPECT_EQ(load(accents)->encode("É", kPlain).ids, (Ids{7}));
  Json none = bert_json();
  none["normalizer"] = nullptr;
  EXPECT_EQ(load(none)->encode("A a", kPlain).ids, (Ids{1, 5}));
}

TEST(TokenizerJson, OtherKindsAreNamed) {
  EXPECT_NE(error_with(bpe_json(), "/model/type", "Unigram").find("found Unigram, which is not supported"),
            std::string::npos);
  EXPECT_NE(error_with(bpe_json(), "/normalizer", Json{{"type", "NFC"}}).find("normalizer is not supported"),
            std::string::npos);
  EXPECT_NE(error_with(bpe_json(), "/pre_tokenizer/type", "Metaspace").find("found Metaspace"), std::string::npos);
  EXPECT_NE(error_with(bpe_json(), "/pre_tokenizer", nullptr).find("ByteLevel, found none"), std::string::npos);
  EXPECT_NE(error_with(bpe_json(), "/pre_tokenizer/use_regex", false).find("not supported"), std::string::npos);
  EXPECT_NE(error_with(bpe_json(), "/model/byte_fallback", true).find("not supported"), std::string::npos);
  EXPECT_NE(error_with(bpe_json(), "/model/dropout", 0.1).find("not supported"), std::string::npos);
  EXPECT_NE(error_with(bpe_json(), "/model/end_of_word_suffix", "</w>").find("not supported"), std::string::npos);
  EXPECT_NE(error_with(bert_json(), "/normalizer/type", "NFKC").find("found NFKC"), std::string::npos);
  EXPECT_NE(error_with(bert_json(), "/pre_tokenizer/type", "Whitespace").find("found Whitespace"), std::string::npos);
  EXPECT_NE(error_with(bert_json(), "/pre_tokenizer", nullptr).find("BertPreTokenizer, found none"), std::string::npos);
  EXPECT_NE(error_with(bert_json(), "/added_tokens/0/rstrip", true).find("not supported"), std::string::npos);
  EXPECT_EQ(error_message([] { load(bpe_json(), Family::kBert); }),
            "m/tokenizer.json: expected a tokenizer of type WordPiece, found BPE");
  EXPECT_EQ(error_with(bert_json(), "/model", Json::object()),
            "m/tokenizer.json:23:/model: expected the key \"type\", found none");
}

TEST(TokenizerJson, BadEntriesAreNamedWithTheirPlace) {
  EXPECT_NE(error_with(bpe_json(), "/model/merges/1", "th x")
                .find("/model/merges/1: expected tokens of the vocabulary, found thx"),
            std::string::npos);
  EXPECT_NE(error_with(bpe_json(), "/model/merges/1", Json{"t", "h"}).find("found t h twice"), std::string::npos);
  EXPECT_NE(error_with(bpe_json(), "/model/merges/1", Json{"t"}), "");
  EXPECT_NE(error_with(bpe_json(), "/model/merges", "t h"), "");
  EXPECT_NE(error_with(bpe_json(), "/model/vocab/the", 9000).find("without holes"), std::string::npos);
  EXPECT_NE(error_with(bpe_json(), "/added_tokens/0/id", 3).find("expected id 260 as in the vocabulary, found 3"),
            std::string::npos);
  EXPECT_NE(error_with(bpe_json(), "/added_tokens", 3), "");
  EXPECT_NE(error_with(bert_json(), "/model/unk_token", "[X]").find("expected the token for unknown words"),
            std::string::npos);
  EXPECT_NE(error_with(bert_json(), "/model/max_input_chars_per_word", 0), "");
  EXPECT_NE(error_message([] { load(Json::array()); }), "");
  EXPECT_NE(error_message([] { load(Json::object()); }), "");
}

TEST(TokenizerJson, ByteOrderMarkIsRepaired) {
  EXPECT_EQ(make_tokenizer({"m", {{"tokenizer.json", "\xEF\xBB\xBF" + dump_json(bpe_json())}}})->vocab_size(), 261u);
}

}  // namespace
}  // namespace spatten

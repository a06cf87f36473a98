// SPDX-License-Identifier: Apache-2.0
// Tokenizer files: what is found, what is repaired, and what is refused with which words.
#include "spatten/model/tokenizer/load.h"

#include <gtest/gtest.h>

#include "support/small_vocabularies.h"
#include "support/temp_folder.h"

namespace spatten {
namespace {

std::string bert_error(const std::string& vocab) {
  return error_message([&] { make_tokenizer({"m", {{"vocab.txt", vocab}}}); });
}
std::string bpe_error(const std::string& vocab, const std::string& merges) {
  return error_message([&] { make_tokenizer({"m", {{"vocab.json", vocab}, {"merges.txt", merges}}}); });
}
std::string merges_error(const std::string& merges) { return bpe_error(small_bpe().vocab_json(), merges); }
std::string config_error(const std::string& config) {
  return error_message([&] { make_tokenizer(bert_files({"a"}, config)); });
}

TEST(VocabTxt, ByteOrderMarkCrlfAndEmptyEndAreRepaired) {
  for (const std::string& vocab :
       {bert_vocab({"a"}), "\xEF\xBB\xBF" + bert_vocab({"a"}), bert_vocab({"a"}, "\r\n"), bert_vocab({"a"}) + "\n\n",
        bert_vocab({"a"}).substr(0, bert_vocab({"a"}).size() - 1)}) {
    const auto t = make_tokenizer({"m", {{"vocab.txt", vocab}}});
    EXPECT_EQ(t->vocab_size(), 6u);
    EXPECT_EQ(t->encode("a").ids, (Ids{2, 5, 3}));
  }
}

TEST(VocabTxt, WhatIsWrongIsNamedWithItsLine) {
  EXPECT_EQ(bert_error(""), "m/vocab.txt: expected tokens, found none");
  EXPECT_EQ(bert_error("[UNK]\na\na\n"), "m/vocab.txt:3: expected each token once, found a also with id 1");
  EXPECT_EQ(bert_error("[UNK]\n\na\n"), "m/vocab.txt:2: expected a token, found nothing");
  EXPECT_EQ(bert_error("a\nb\n"), "m/vocab.txt: expected the token for unknown words ([UNK]), found none");
  EXPECT_EQ(bert_error("[UNK]\n\xFF\n"), "m/vocab.txt:2: expected UTF-8, found other bytes");
  EXPECT_EQ(bert_error("[UNK]\n" + std::string(10 << 20, 'a')),
            "m/vocab.txt:2: expected a token of at most 1024 bytes, found 10485760");
  EXPECT_EQ(bert_error("[UNK]\n" + std::string(1024, 'a')), "");
  EXPECT_NE(bert_error("[UNK]\n" + std::string(1025, 'a')), "");
}

TEST(VocabTxt, TotalSizeIsLimited) {
  std::string vocab = "[UNK]\n";
  for (int i = 0; i < 17000; ++i) vocab += std::to_string(100000 + i) + std::string(1000, 'a') + "\n";
  EXPECT_NE(bert_error(vocab).find("expected at most 16777216 bytes of tokens, found more"), std::string::npos);
}

TEST(VocabJson, WhatIsWrongIsNamedWithItsPlace) {
  EXPECT_EQ(bpe_error("{\"a\": 0,\n\"b\": 0}", ""), "m/vocab.json:2:/b: expected each id once, found 0 for a and b");
  EXPECT_EQ(bpe_error("{\"a\": 0,\n\"b\": 2}", ""),
            "m/vocab.json: expected ids 0 to 1 without holes, found none with id 1");
  EXPECT_EQ(bpe_error("{\"a\": -1}", ""), "m/vocab.json:1:/a: expected an integer from 0 to 1048575, found -1");
  EXPECT_NE(bpe_error("{\"a\": 1048576}", ""), "");
  EXPECT_NE(bpe_error("{\"a\": 1.5}", ""), "");
  EXPECT_NE(bpe_error("{\"a\": \"0\"}", ""), "");
  EXPECT_NE(bpe_error("{\"\": 0}", ""), "");
  EXPECT_NE(bpe_error("[]", "").find("expected an object of token ids"), std::string::npos);
  EXPECT_EQ(bpe_error("{\"a\": 0,\n\"a\": 1}", ""), "m/vocab.json:2: expected each key once, found \"a\" twice");
  EXPECT_NE(bpe_error("{\"a\": 0", ""), "");
  EXPECT_EQ(bpe_error("{\"a\": 0}", ""), "m/vocab.json: expected a token for each byte, found none for byte 0 (Ā)");
  EXPECT_EQ(bpe_error("{\"中\": 0}", ""), "m/vocab.json: expected tokens of the byte alphabet, found 中 with id 0");
}

TEST(MergesTxt, WhatIsWrongIsNamedWithItsLine) {
  EXPECT_EQ(merges_error("#version: 0.2\nt h\nx\n"),
            "m/merges.txt:3: expected two tokens and a space between them, found x");
  EXPECT_EQ(merges_error("t h e\n"), "m/merges.txt:1: expected two tokens and a space between them, found t h e");
  EXPECT_EQ(merges_error("t h\n\nth e\n"), "m/merges.txt:2: expected two tokens and a space between them, found ");
  EXPECT_EQ(merges_error("t h\nth x\n"), "m/merges.txt:2: expected tokens of the vocabulary, found thx");
  EXPECT_EQ(merges_error("tx h\n"), "m/merges.txt:1: expected tokens of the vocabulary, found tx");
  EXPECT_EQ(merges_error("t h\nt h\n"), "m/merges.txt:2: expected each merge once, found t h twice");
  EXPECT_NE(merges_error(" h\n"), "");
  EXPECT_NE(merges_error("t \n"), "");
  EXPECT_NE(merges_error("t \xFF\n"), "");
  EXPECT_NE(merges_error(std::string(10 << 20, 'a')), "");
}

TEST(MergesTxt, ByteOrderMarkCrlfAndMissingVersionAreRepaired) {
  const std::string vocab = small_bpe().vocab_json();
  for (const std::string& merges :
       {small_bpe().merges_txt(), small_bpe().merges_txt("\r\n"), "\xEF\xBB\xBF" + small_bpe().merges_txt() + "\n",
        std::string("t h\nth e\nĠ the")}) {
    const auto t = make_tokenizer({"m", {{"vocab.json", vocab}, {"merges.txt", merges}}});
    EXPECT_EQ(t->encode(" the").ids, (Ids{259}));
  }
  EXPECT_EQ(merges_error(""), "");  // no merges: bytes only
}

TEST(AddedTokensFile, ExtendsTheVocabulary) {
  TokenizerFiles files = small_bpe().files();
  files.contents["added_tokens.json"] = R"({"<user>": 261, "[PAD]": 262})";
  files.contents["tokenizer_config.json"] = R"({"pad_token": {"content": "[PAD]"}, "eos_token": "<|endoftext|>"})";
  const auto t = make_tokenizer(files);
  EXPECT_EQ(t->vocab_size(), 263u);
  EXPECT_EQ(t->special().pad, 262);
  EXPECT_EQ(t->encode("<user>the[PAD]").ids, (Ids{261, 257, 262}));
  EXPECT_EQ(t->encode("<user>the", kPlain).ids, (Ids{261, 257}));  // not special: always found
  EXPECT_EQ(t->decode(Ids{261, 257, 262}), "<user>the");

  files.contents["added_tokens.json"] = R"({"<user>": 264})";
  EXPECT_NE(error_message([&] { make_tokenizer(files); }).find("without holes"), std::string::npos);
  files.contents["added_tokens.json"] = R"({"<user>": 3})";
  EXPECT_NE(error_message([&] { make_tokenizer(files); }).find("expected each id once"), std::string::npos);
  files.contents["added_tokens.json"] = R"({"the": 9})";
  EXPECT_EQ(error_message([&] { make_tokenizer(files); }),
            "m/added_tokens.json:1:/the: expected id 257 as in the vocabulary, found 9");
}

TEST(AddedTokensFile, CannotChangeWhatBytesMean) {
  TokenizerFiles files = small_bpe().files();
  files.contents["added_tokens.json"] = R"({"Ġ": 32})";  // as raw text this is not the byte 32
  EXPECT_NE(error_message([&] { make_tokenizer(files); }).find("expected a token for each byte"), std::string::npos);
  files.contents["added_tokens.json"] = R"({"Ġthe": 259})";
  EXPECT_NE(error_message([&] { make_tokenizer(files); }).find("expected merges of bytes"), std::string::npos);
}

TEST(TokenizerConfig, NamesRolesAndRefusesWhatIsNotSupported) {
  const auto t = make_tokenizer(
      {"m",
       {{"vocab.txt", "<unk>\n<s>\n</s>\na\n"},
        {"tokenizer_config.json", R"({"unk_token": "<unk>", "cls_token": "<s>", "sep_token": {"content": "</s>"},
                "mask_token": null, "added_tokens_decoder": {"3": {"content": "a", "special": false}}, "other": [1]})"}}});
  EXPECT_EQ(t->encode("a<s>").ids, (Ids{1, 3, 1, 2}));
  EXPECT_EQ(t->special().mask, std::nullopt);
  EXPECT_EQ(config_error(R"({"do_lower_case": "yes"})"),
            "m/tokenizer_config.json:1:/do_lower_case: expected true or false, found \"yes\"");
  EXPECT_NE(config_error(R"({"do_basic_tokenize": false})").find("not supported"), std::string::npos);
  EXPECT_NE(config_error(R"({"never_split": ["x"]})").find("not supported"), std::string::npos);
  EXPECT_NE(config_error(R"({"unk_token": 5})"), "");
  EXPECT_NE(config_error(R"([])"), "");
  EXPECT_NE(config_error(R"({"added_tokens_decoder": {"x": {"content": "b"}}})").find("expected a key that is an id"),
            std::string::npos);
  EXPECT_NE(config_error(R"({"added_tokens_decoder": {"6": {"content": "b", "lstrip": true}}})").find("not supported"),
            std::string::npos);
}

TEST(MakeTokenizer, PrefersTheFilesOfTheFamily) {
  TokenizerFiles files = small_bpe().files();
  files.contents["vocab.txt"] = bert_vocab({"a"});
  EXPECT_EQ(make_tokenizer(files)->kind(), "WordPiece");
  EXPECT_EQ(make_tokenizer(files, Family::kBert)->kind(), "WordPiece");
  EXPECT_EQ(make_tokenizer(files, Family::kGpt2)->kind(), "BPE");
}

TEST(MakeTokenizer, SaysWhatItLookedFor) {
  EXPECT_EQ(error_message([] {
              make_tokenizer({"m", {}});
            }),
            "m: expected a tokenizer (vocab.txt, vocab.json with merges.txt, or tokenizer.json), found none");
  EXPECT_EQ(error_message([] {
              make_tokenizer({"m", {{"vocab.json", "{}"}}}, Family::kGpt2);
            }),
            "m: expected a tokenizer (vocab.json with merges.txt, or tokenizer.json), found none");
  EXPECT_EQ(error_message([] { make_tokenizer(small_bpe().files(), Family::kBert); }),
            "m: expected a tokenizer (vocab.txt or tokenizer.json), found none");
}

TEST(LoadTokenizer, ReadsAFolder) {
  const TempFolder folder;
  const auto error = [&] { return error_message([&] { load_tokenizer(folder.path()); }); };
  EXPECT_EQ(error_message([&] { load_tokenizer(folder.path("absent")); }),
            folder.path("absent") + ": expected a folder with a tokenizer, found none");
  EXPECT_NE(error().find("expected a tokenizer"), std::string::npos);
  folder.write("vocab.txt", bert_vocab({"a"}));
  EXPECT_EQ(load_tokenizer(folder.path())->encode("a").ids, (Ids{2, 5, 3}));
  folder.write("tokenizer_config.json", "{");
  EXPECT_TRUE(error().starts_with(folder.path("tokenizer_config.json") + ":1")) << error();
}

}  // namespace
}  // namespace spatten

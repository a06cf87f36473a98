// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "spatten/base/error.h"
#include "spatten/trace/authors_csv.h"
#include "support/random_trace.h"
#include "support/temp_folder.h"

namespace spatten::trace {
namespace {

const std::string kNames =
    "iteration_id,layer_id,head_id,embedding_length_D,sentence_length_L,key_fetch_num,quant_key_bit,quant_query_bit,"
    "auto_requant_thres,if_requant,auto_requant_incre,value_fetch_num,quant_value_bit,if_accumulate_importance,"
    "if_rescale_previous_importance,if_topk,topk\n";
const std::string kRow = "3,1,2,64.0,993,921,6,16,0.05,True,4,184,6,True,False,True,716\n";
const std::string kEnd = "configs/a.yml,,,,,,,,,,,,,,,,\n";

AuthorsCsvSource open_text(const std::string& text) { return AuthorsCsvSource(InputFile::from_memory("w.csv", text)); }

std::string complaint(const std::string& text) {
  return message_of<Error>([&] { open_text(text); });
}

/// The complaint about a file whose only row has `value` in column `column` (from 1).
std::string complaint_about(std::size_t column, const std::string& value) {
  std::string row;
  std::size_t at = 0;
  for (std::size_t c = 1; c <= 17; ++c) {
    const std::size_t end = kRow.find_first_of(",\n", at);
    row += c == column ? value : kRow.substr(at, end - at);
    row += c == 17 ? "\n" : ",";
    at = end + 1;
  }
  return complaint(kNames + row + kEnd);
}

TEST(AuthorsCsv, TheFirstPassCanBeCancelled) {
  const std::atomic<bool> cancelled = true;
  EXPECT_THROW(AuthorsCsvSource(InputFile::from_memory("w.csv", kNames + kRow + kEnd), &cancelled), Cancelled);
}

TEST(AuthorsCsv, ItsBeginningAloneCanBeChecked) {
  AuthorsCsvSource::check_begin(InputFile::from_memory("w.csv", kNames + "no matter"));
  EXPECT_THROW(AuthorsCsvSource::check_begin(InputFile::from_memory("w.csv", "a,b\n")), Error);
}

std::string written(Source& source) {
  const TempFolder folder;
  AuthorsCsvSink sink(folder.path("written.csv"));
  copy(source, sink);
  return read_file(folder.path("written.csv"));
}

TEST(AuthorsCsv, ReadsEachColumnIntoItsField) {
  AuthorsCsvSource source = open_text(kNames + kRow + kEnd);
  const std::vector<Record> records = drain(source);
  ASSERT_EQ(records.size(), 1u);
  Record wanted;
  wanted.step = 3;
  wanted.layer = 1;
  wanted.head = 2;
  wanted.head_dim = 64;
  wanted.context = 993;
  wanted.keys = 921;
  wanted.key_msb_bits = 6;
  wanted.query_bits = 16;
  wanted.threshold = 0.05;
  wanted.lsb_rows = 1;
  wanted.key_lsb_bits = 4;
  wanted.values = 184;
  wanted.value_bits = 6;
  wanted.accumulate_importance = true;
  wanted.top_k_tokens = 716;
  EXPECT_EQ(records[0], wanted);
}

TEST(AuthorsCsv, TheHeaderHoldsTheLargestSeenAndTheConfig) {
  AuthorsCsvSource source = open_text(kNames + kRow + "4,11,9,64.0,994,994,-1,-1,-1,False,-1,994,-1,False,False,False,-1\n" + kEnd);
  EXPECT_EQ(source.header().layers, 12u);
  EXPECT_EQ(source.header().heads, 10u);
  EXPECT_EQ(source.header().head_dim, 64u);
  EXPECT_EQ(source.header().generated_tokens, 2u);
  EXPECT_EQ(source.header().source, "configs/a.yml");
}

TEST(AuthorsCsv, MinusOneMeansNotQuantised) {
  AuthorsCsvSource source = open_text(kNames + "0,0,0,64.0,993,993,-1,-1,-1,False,-1,993,-1,True,False,False,-1\n" + kEnd);
  const Record r = drain(source).at(0);
  EXPECT_EQ(r.key_msb_bits + r.key_lsb_bits + r.query_bits + r.value_bits, 0);
  EXPECT_EQ(r.threshold, 0.0);
  EXPECT_EQ(r.top_k_tokens, 0u);
}

TEST(AuthorsCsv, WritesTheBytesThatItRead) {
  const std::string text = kNames + kRow + "4,0,0,64.0,994,994,-1,-1,-1,False,-1,994,-1,False,True,False,-1\n" + kEnd;
  AuthorsCsvSource source = open_text(text);
  EXPECT_EQ(written(source), text);
}

TEST(AuthorsCsv, NamesLineColumnAndNameOfABadCell) {
  EXPECT_EQ(complaint_about(1, "3"), "");
  EXPECT_EQ(complaint_about(6, "994"), "w.csv:2:6: key_fetch_num: expected 1 to 993, found 994");
  EXPECT_EQ(complaint_about(6, "0"), "w.csv:2:6: key_fetch_num: expected 1 to 993, found 0");
  EXPECT_EQ(complaint_about(12, "922"), "w.csv:2:12: value_fetch_num: expected 0 to 921, found 922");
  EXPECT_EQ(complaint_about(1, "-1"), "w.csv:2:1: iteration_id: expected a count, found \"-1\"");
  EXPECT_EQ(complaint_about(1, ""), "w.csv:2:1: iteration_id: expected a count, found \"\"");
  EXPECT_EQ(complaint_about(2, "4294967296"), "w.csv:2:2: layer_id: expected a count, found \"4294967296\"");
  EXPECT_EQ(complaint_about(3, "1.5"), "w.csv:2:3: head_id: expected a count, found \"1.5\"");
  EXPECT_EQ(complaint_about(5, "1000000000000"), "w.csv:2:5: sentence_length_L: expected a count, found \"1000000000000\"");
  EXPECT_EQ(complaint_about(5, "1048577"), "w.csv:2:5: sentence_length_L: expected 1 to 1048576, found 1048577");
  EXPECT_EQ(complaint_about(10, "true"), "w.csv:2:10: if_requant: expected True or False, found \"true\"");
  EXPECT_EQ(complaint_about(17, "994"), "w.csv:2:17: topk: expected 0 to 993, found 994");
}

TEST(AuthorsCsv, RefusesAbsurdWidths) {
  for (const char* width : {"0", "33", "-2", "-1.0", "6.0", "nan", "4294967296", " 6", "6 ", "+6", "0x6"}) {
    EXPECT_NE(complaint_about(13, width).find("w.csv:2:13: quant_value_bit: expected -1 or a"), std::string::npos) << width;
  }
  EXPECT_EQ(complaint_about(13, "32"), "");
}

TEST(AuthorsCsv, RefusesNumbersThatAreNone) {
  for (const char* value : {"nan", "inf", "-64.0", "0.0", "64.5", "1e99", "65537.0", "64.0.0", ""}) {
    EXPECT_NE(complaint_about(4, value).find("w.csv:2:4: embedding_length_D: expected a whole number"), std::string::npos) << value;
  }
  for (const char* value : {"nan", "inf", "0", "0.0", "1.01", "-0.05", "x"}) {
    EXPECT_NE(complaint_about(9, value).find("w.csv:2:9: auto_requant_thres: expected -1 or"), std::string::npos) << value;
  }
}

TEST(AuthorsCsv, RefusesColumnsThatContradictOneAnother) {
  EXPECT_NE(complaint_about(11, "-1").find("if_requant: expected False, since auto_requant_incre is -1"), std::string::npos);
  EXPECT_NE(complaint_about(17, "-1").find("topk: expected a count, since if_topk is True"), std::string::npos);
  EXPECT_NE(complaint_about(16, "False").find("topk: expected -1, since if_topk is False"), std::string::npos);
  EXPECT_NE(complaint_about(7, "-1").find("auto_requant_incre: expected 0 to 0, found 4"), std::string::npos);
}

TEST(AuthorsCsv, RefusesRowsOutOfOrder) {
  EXPECT_NE(complaint(kNames + kRow + kRow + kEnd).find("w.csv:3:3: head_id: expected more than step 3"), std::string::npos);
  const std::string other_length = "3,1,3,64.0,994,921,6,16,0.05,True,4,184,6,True,False,True,716\n";
  EXPECT_NE(complaint(kNames + kRow + other_length + kEnd).find("w.csv:3:5: sentence_length_L: expected 993"), std::string::npos);
}

TEST(AuthorsCsv, RefusesFilesThatAreNotWhole) {
  EXPECT_EQ(complaint(""), "w.csv: expected the authors' CSV, found an empty file");
  EXPECT_EQ(complaint(kNames), "w.csv:2: expected the config path as the last line, found the end of the file (truncated?)");
  EXPECT_EQ(complaint(kNames + kRow), "w.csv:3: expected the config path as the last line, found the end of the file (truncated?)");
  EXPECT_EQ(complaint(kNames + kEnd), "w.csv:2: expected at least one row of numbers, found none");
  EXPECT_EQ(complaint(kNames + kRow + kEnd + kRow), "w.csv:4: expected the end after the config path, found a line");
  EXPECT_EQ(complaint(kNames + "\n" + kRow + kEnd), "w.csv:2:1: iteration_id: expected 17 columns, found 1");
}

TEST(AuthorsCsv, EveryTruncationIsRefused) {
  const std::string text = kNames + kRow + kEnd;
  for (std::size_t n = 0; n + 1 < text.size(); ++n) ASSERT_NE(complaint(text.substr(0, n)), "") << n;
  EXPECT_EQ(complaint(text.substr(0, text.size() - 1)), "");  // only the last line end is missing: nothing is lost
}

TEST(AuthorsCsv, RefusesMissingAndForeignColumns) {
  std::string names = kNames;
  EXPECT_NE(complaint(names.substr(0, names.rfind(',')) + "\n" + kRow + kEnd).find("w.csv:1:16: if_topk: expected 17 columns, found 16"),
            std::string::npos);
  names.replace(names.find("layer_id"), 8, "layer_ix");
  EXPECT_EQ(complaint(names + kRow + kEnd), "w.csv:1:2: layer_id: expected this name of the column, found \"layer_ix\"");
  EXPECT_NE(complaint(kNames + kRow.substr(0, kRow.size() - 1) + ",1\n" + kEnd).find("expected 17 columns, found more"), std::string::npos);
}

TEST(AuthorsCsv, RefusesCarriageReturnsQuotesAndOtherBytes) {
  EXPECT_NE(complaint(kNames.substr(0, kNames.size() - 1) + "\r\n").find("with LF line ends, found \"\\x0d\" at byte"), std::string::npos);
  EXPECT_NE(complaint_about(1, "\"3\"").find("w.csv:2: expected plain ASCII without quotes"), std::string::npos);
  EXPECT_NE(complaint("\xEF\xBB\xBF" + kNames + kRow + kEnd).find("w.csv:1: expected plain ASCII"), std::string::npos);
  EXPECT_NE(complaint(kNames + std::string(1, '\0') + kRow + kEnd).find("w.csv:2: expected plain ASCII"), std::string::npos);
}

TEST(AuthorsCsv, RefusesLinesWithoutEnd) {
  EXPECT_NE(complaint(kNames + std::string(5000, '1')).find("w.csv:2: expected at most 4096 bytes in a line"), std::string::npos);
  EXPECT_NE(complaint(std::string(1 << 20, 'x')).find("w.csv:1: expected at most 4096 bytes in a line"), std::string::npos);
  EXPECT_EQ(complaint(kNames + kRow + std::string(4080, 'c') + ",,,,,,,,,,,,,,,,\n"), "");
  EXPECT_NE(complaint(kNames + kRow + std::string(4081, 'c') + ",,,,,,,,,,,,,,,,\n"), "");
}

TEST(AuthorsCsv, LinesThatCrossAReadAreWhole) {
  std::string text = kNames;
  const std::size_t rows = 3000;  // several of the 64 KiB reads
  for (std::size_t i = 0; i < rows; ++i) text += fmt::format("{},0,0,64.0,993,993,-1,-1,-1,False,-1,993,-1,True,False,False,-1\n", i);
  text += kEnd;
  AuthorsCsvSource source = open_text(text);
  EXPECT_EQ(source.header().generated_tokens, rows);
  EXPECT_EQ(written(source), text);
}

TEST(AuthorsCsvExport, LeavesThePromptOutAndCountsIterationsFromIt) {
  MemorySink trace;
  trace.begin(Header());
  Record r;
  r.context = r.keys = r.rows = 4;
  r.stage = Stage::kSummarization;
  trace.write(r);
  r.step = 1;
  r.stage = Stage::kGeneration;
  r.context = r.keys = 5;
  r.rows = 1;
  trace.write(r);
  MemorySource source(trace);
  const TempFolder folder;
  const std::string path = folder.path("prompt.csv");
  AuthorsCsvSink sink(path);
  EXPECT_EQ(copy(source, sink), 2u);
  EXPECT_EQ(sink.skipped(), 1u);
  AuthorsCsvSource back(path);
  const std::vector<Record> records = drain(back);
  ASSERT_EQ(records.size(), 1u);
  r.step = 0;
  EXPECT_EQ(records[0], r);
}

TEST(AuthorsCsvExport, RefusesATraceWithoutGeneration) {
  MemorySink trace;
  trace.begin(Header());
  Record r;
  r.stage = Stage::kSummarization;
  trace.write(r);
  MemorySource source(trace);
  EXPECT_NE(message_of<Error>([&] { written(source); }).find("found 1 of the summarization stage"), std::string::npos);
}

TEST(AuthorsCsvExport, MakesTheSourceFitOneCell) {
  MemorySink trace;
  Header header;
  header.source = "a \"b\", c\n" + std::string(5000, 'd');
  trace.begin(header);
  trace.write(Record());
  MemorySource source(trace);
  const std::string text = written(source);
  EXPECT_NE(text.find("\na _b__ c_ddd"), std::string::npos);
  EXPECT_EQ(complaint(text), "");
}

}  // namespace
}  // namespace spatten::trace

// SPDX-License-Identifier: Apache-2.0
// The binary trace against damage: every prefix, every flipped bit, every lie about a length.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "spatten/base/crc32.h"
#include "spatten/base/error.h"
#include "spatten/trace/file_format.h"
#include "spatten/trace/file_sink.h"
#include "spatten/trace/file_source.h"
#include "support/random_trace.h"
#include "support/temp_folder.h"

namespace spatten::trace {
namespace {

std::string bytes_of(const MemorySink& trace) {
  const TempFolder folder;
  MemorySource source(trace);
  FileSink sink(folder.path("trace"));
  copy(source, sink);
  return read_file(folder.path("trace"));
}

std::vector<Record> read(std::string bytes) {
  FileSource source(InputFile::from_memory("t.trace", std::move(bytes)));
  return drain(source);
}

std::string complaint(const std::string& bytes) {
  return message_of<Error>([&] { read(bytes); });
}

/// A file of one block with this payload and claimed number of records, all checksums right.
std::string file_with_block(const std::string& payload, std::uint32_t claimed_bytes, std::uint32_t records) {
  std::string head, block, out(kMagic);
  put_little_endian(head, kFormatVersion);
  put_little_endian(head, std::uint32_t{2});
  head += "{}";
  put_little_endian(block, claimed_bytes);
  put_little_endian(block, records);
  block += payload;
  const std::uint32_t first = crc32(head), second = crc32(block, first);
  out += head;
  put_little_endian(out, first);
  out += block;
  put_little_endian(out, second);
  return out;
}

std::string file_with_payload(const std::string& payload, std::uint32_t records) {
  return file_with_block(payload, static_cast<std::uint32_t>(payload.size()), records);
}

TEST(Crc32, GivesThePublishedCheckValue) {
  EXPECT_EQ(crc32("123456789"), 0xCBF43926u);
  EXPECT_EQ(crc32("6789", crc32("12345")), 0xCBF43926u);
  EXPECT_EQ(crc32(""), 0u);
}

TEST(TraceFile, EveryPrefixIsRefused) {
  const std::string bytes = bytes_of(random_trace(5, Detail::kFull));
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    ASSERT_NE(complaint(bytes.substr(0, n)), "") << "prefix of " << n << " bytes";
  }
  EXPECT_EQ(complaint(bytes), "");
  EXPECT_NE(complaint(bytes + '\0').find("expected the end of the file, found 1 more bytes"), std::string::npos);
}

TEST(TraceFile, EveryFlippedBitIsRefused) {
  const std::string bytes = bytes_of(random_trace(6, Detail::kAuthors));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    ASSERT_NE(complaint(damaged), "") << "bit " << bit;
  }
}

TEST(TraceFile, NamesFileAndRecordOfTheDamage) {
  const std::string bytes = bytes_of(random_trace(5, Detail::kFull));
  const std::size_t records = random_trace(5, Detail::kFull).records().size();
  // The end mark has 20 bytes; before it comes the checksum of the only block.
  EXPECT_EQ(complaint(bytes.substr(0, bytes.size() - 21)),
            "t.trace:record 1: expected 4 bytes of a block's checksum, found 3 (truncated?)");
  EXPECT_EQ(complaint(bytes.substr(0, bytes.size() - 20)),
            fmt::format("t.trace:record {}: expected 8 bytes of a block, found 0 (truncated?)", records + 1));
  EXPECT_EQ(complaint(bytes.substr(0, bytes.size() - 1)),
            fmt::format("t.trace:record {}: expected 4 bytes of the end mark's checksum, found 3 (truncated?)", records + 1));
}

TEST(TraceFile, RefusesOtherFilesAndOtherVersions) {
  EXPECT_EQ(complaint("iteration_id,layer_id"), "t.trace:byte 0: expected a trace (\"SPTRACE\"), found something else");
  EXPECT_EQ(complaint(""), "t.trace:byte 0: expected a trace (\"SPTRACE\"), found something else");
  std::string bytes = bytes_of(random_trace(5, Detail::kFull));
  bytes[8] = 2;
  EXPECT_EQ(complaint(bytes), "t.trace:byte 8: expected trace format version 1, found 2");
}

TEST(TraceFile, ClaimedLengthsNeverAllocate) {
  EXPECT_NE(complaint(file_with_block("\0", 0xFFFFFFFFu, 1)).find("at most 16777216 bytes"), std::string::npos);
  EXPECT_NE(complaint(file_with_block("\0", kMaxBlockBytes, 1)).find("expected 16777216 bytes of a block, found"), std::string::npos);
  EXPECT_NE(complaint(file_with_block("\0", 1, 0xFFFFFFFFu)).find("expected 1 record or more"), std::string::npos);
  std::string lie;
  put_varint(lie, std::uint64_t{1} << 21);  // the record has key ids
  put_varint(lie, 1000000000000);           // and so many
  EXPECT_NE(complaint(file_with_payload(lie, 1)).find("record 1: expected a count that fits the 0 bytes left"), std::string::npos)
      << complaint(file_with_payload(lie, 1));
}

TEST(TraceFile, RefusesBytesThatMakeNoRecord) {
  const auto payload = [](std::initializer_list<std::uint64_t> numbers) {
    std::string out;
    for (const std::uint64_t n : numbers) put_varint(out, n);
    return out;
  };
  EXPECT_NE(complaint(file_with_payload(payload({std::uint64_t{1} << 24}), 1)).find("a mask of known fields"), std::string::npos);
  EXPECT_NE(complaint(file_with_payload(payload({1, std::uint64_t{1} << 32}), 1)).find("step: expected at most 4294967295"),
            std::string::npos);
  EXPECT_NE(complaint(file_with_payload(payload({1 << 9, 2}), 1)).find("causal: expected at most 1, found 2"), std::string::npos);
  EXPECT_NE(complaint(file_with_payload(payload({1}), 1)).find("expected 1 more bytes in the block, found 0"), std::string::npos);
  EXPECT_NE(complaint(file_with_payload(std::string(11, '\xFF'), 1)).find("within 64 bits"), std::string::npos);
  EXPECT_NE(complaint(file_with_payload(payload({0, 0}), 1)).find("expected the block to end after its last record"), std::string::npos);
  EXPECT_NE(complaint(file_with_payload(payload({0, 0}), 2)).find("record 2: head: expected more than step 0"), std::string::npos);
  EXPECT_NE(complaint(file_with_payload(payload({std::uint64_t{1} << 21, 2, 0, std::uint64_t{1} << 40}), 1)).find("key_ids: expected"),
            std::string::npos);
}

TEST(TraceFile, RefusesAHeaderThatIsNoHeader) {
  const auto with_header = [](const std::string& json) {
    std::string head, out(kMagic);
    put_little_endian(head, kFormatVersion);
    put_little_endian(head, static_cast<std::uint32_t>(json.size()));
    head += json;
    out += head;
    put_little_endian(out, crc32(head));
    return out;
  };
  EXPECT_NE(complaint(with_header("[]")), "");
  EXPECT_NE(complaint(with_header("{\"layer\": 2}")).find("layers"), std::string::npos);
  EXPECT_NE(complaint(with_header("{\"layers\": 4294967295}")).find("expected an integer from 0 to 65536"), std::string::npos);
  EXPECT_NE(complaint(with_header("{\"seed\": -1}")), "");
}

TEST(TraceFile, ManyBlocksReadAsOneTrace) {
  MemorySink trace;
  trace.begin(Header());
  for (std::uint32_t i = 0; i < 3000; ++i) {
    Record r;
    r.step = i;
    r.context = r.keys = 40;
    for (std::uint32_t k = 0; k < 40; ++k) r.scores.push_back(static_cast<float>(i + k));
    trace.write(r);
  }
  const std::string bytes = bytes_of(trace);
  EXPECT_GT(bytes.size(), 4 * kBlockBytes);
  EXPECT_EQ(read(bytes), trace.records());
}

TEST(TraceFile, SwappedBlocksAreRefused) {
  MemorySink trace;
  trace.begin(Header());
  for (std::uint32_t i = 0; i < 2; ++i) {
    Record r;
    r.step = i;
    r.context = r.keys = 20000;
    r.scores.assign(20000, static_cast<float>(i));  // one block each
    trace.write(r);
  }
  const std::string bytes = bytes_of(trace);
  const std::size_t first = 8 + 8 + get_little_endian<std::uint32_t>(std::string_view(bytes).substr(12)) + 4;
  const std::size_t length = 8 + get_little_endian<std::uint32_t>(std::string_view(bytes).substr(first)) + 4;
  const std::string swapped = bytes.substr(0, first) + bytes.substr(first + length, bytes.size() - first - length - 20) +
                              bytes.substr(first, length) + bytes.substr(bytes.size() - 20);
  ASSERT_EQ(swapped.size(), bytes.size());
  EXPECT_NE(complaint(swapped).find("record 1: expected a matching checksum"), std::string::npos);
}

TEST(TraceFile, AHeadThatDiffersOnlyInItsIndexTakesTwoBytes) {
  const auto size_of_heads = [](std::uint32_t heads) {
    MemorySink trace;
    trace.begin(Header());
    for (std::uint32_t head = 0; head < heads; ++head) {
      Record r;
      r.head = head;
      r.context = r.keys = 90;
      for (std::uint32_t id = 0; id < 90; ++id) r.key_ids.push_back(id);
      trace.write(r);
    }
    return bytes_of(trace).size();
  };
  EXPECT_EQ(size_of_heads(12) - size_of_heads(2), 10u * 2);
}

TEST(TraceFile, AnEmptyTraceIsATrace) {
  MemorySink trace;
  trace.begin(Header());
  trace.end();
  EXPECT_TRUE(read(bytes_of(trace)).empty());
}

TEST(TraceFile, RefusesAHeaderOfMoreThanAMegabyte) {
  Header header;
  header.policy.assign(kMaxHeaderBytes, 'x');
  const TempFolder folder;
  FileSink sink(folder.path("big_header"));
  EXPECT_NE(message_of<Error>([&] { sink.begin(header); }).find("header: expected at most 1048576 bytes"), std::string::npos);
}

TEST(TraceFile, IsToldFromACsvByItsFirstBytes) {
  EXPECT_TRUE(is_trace_file(InputFile::from_memory("t", bytes_of(random_trace(1, Detail::kFull)))));
  EXPECT_FALSE(is_trace_file(InputFile::from_memory("t", "iteration_id,layer_id")));
  EXPECT_FALSE(is_trace_file(InputFile::from_memory("t", "")));
}

}  // namespace
}  // namespace spatten::trace

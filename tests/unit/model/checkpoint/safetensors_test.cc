// SPDX-License-Identifier: Apache-2.0
// Broken safetensors files made by hand, one rule of the format each, and the right ones beside them.
#include "spatten/model/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "support/checkpoint_writer.h"
#include "support/child_process.h"
#include "support/error_message.h"
#include "support/temp_folder.h"

namespace spatten {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SafetensorsFile open_bytes(std::string bytes, const SafetensorsLimits& limits = {}) {
  return SafetensorsFile::open(InputFile::from_memory("f", std::move(bytes)), limits);
}
std::string refusal(std::string bytes) {
  return error_message([&] { open_bytes(std::move(bytes)); });
}
/// A file of this header with `data_bytes` of data.
std::string refusal_of_header(const std::string& header, std::size_t data_bytes = 0) {
  return refusal(safetensors_file(header, std::string(data_bytes, 'x')));
}
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}
/// One tensor "w" of 8 bytes with these offsets and 8 bytes of data.
std::string refusal_of_offsets(const std::string& offsets) {
  return refusal_of_header(R"({"w":)" + entry("F32", "[2]", offsets) + "}", 8);
}
std::string refusal_of_shape(const std::string& shape) {
  return refusal_of_header(R"({"w":)" + entry("F32", shape, "[0,8]") + "}", 8);
}

// ---------------------------------------------------------------- what is right

TEST(Safetensors, ReadsNamesTypesShapesAndBytes) {
  const SafetensorsFile file = open_bytes(safetensors_file(
      {{"b", DType::kF16, {2, 3}, "0123456789AB"}, {"a", DType::kF32, {1}, "abcd"}, {"none", DType::kF32, {0, 5}, ""}, {"one", DType::kU8, {}, "!"}}));
  ASSERT_THAT(file.tensors(), SizeIs(4));
  EXPECT_EQ(file.tensors()[0].name, "a");  // sorted by name
  const TensorInfo* b = file.find("b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->dtype, DType::kF16);
  EXPECT_THAT(b->shape, ElementsAre(2, 3));
  EXPECT_EQ(b->elements(), 6u);
  char bytes[4];
  file.read_bytes(*b, 4, bytes, 4);
  EXPECT_EQ(std::string(bytes, 4), "4567");
  file.read_bytes(*file.find("a"), 0, bytes, 4);
  EXPECT_EQ(std::string(bytes, 4), "abcd");
  EXPECT_EQ(file.find("none")->elements(), 0u);
  EXPECT_EQ(file.find("one")->elements(), 1u);
  EXPECT_EQ(file.find("c"), nullptr);
  EXPECT_THROW(file.read_bytes(*b, 9, bytes, 4), Bug);
}

TEST(Safetensors, AcceptsAnyOrderOfEntriesPaddingAndNoTensors) {
  EXPECT_THAT(open_bytes(safetensors_file("{}")).tensors(), IsEmpty());
  EXPECT_THAT(open_bytes(safetensors_file("{}      ")).tensors(), IsEmpty());
  EXPECT_THAT(open_bytes(safetensors_file("{\"__metadata__\":{\"a\":\"b\"}}")).tensors(), IsEmpty());
  const std::string header = "{\"b\":" + entry("U8", "[1]", "[2,3]") + ",\n\t\"a\":" + entry("U8", "[2]", "[0,2]") + "}";
  EXPECT_THAT(open_bytes(safetensors_file(header, "xyz")).tensors(), SizeIs(2));
}

// ---------------------------------------------------------------- robustness A.1 to A.8

TEST(RobustnessA1, FilesWithoutRoomForAHeaderAreRefusedAtOnce) {
  for (const std::size_t size : {0u, 1u, 7u, 8u, 9u}) {
    const std::clock_t start = std::clock();
    EXPECT_EQ(refusal(std::string(size, '\0')),
              fmt::format("f: header too small: expected a file of at least 10 bytes, found {}", size));
    EXPECT_TRUE(!kCanMeasure || std::clock() - start < CLOCKS_PER_SEC / 100);
  }
  EXPECT_EQ(refusal(std::string(8, '\0') + "{}"), "f: header too small: expected at least 2 bytes, found 0");
}

std::string with_length(std::uint64_t length) {
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(length >> (8 * i) & 0xFF);
  return out + "{}      ";
}

TEST(RobustnessA2, HeaderLengthsBeyondTheLimitOrTheFileAreRefused) {
  for (const std::uint64_t length : {UINT64_MAX, std::uint64_t{1} << 63, std::uint64_t{100'000'001}, (std::uint64_t{16} << 20) + 1}) {
    EXPECT_EQ(refusal(with_length(length)), fmt::format("f: header too large: expected at most 16777216 bytes, found {}", length));
  }
  EXPECT_EQ(refusal(with_length(17)), "f: header longer than the file: expected at most 8 bytes, found 17");  // file size + 1
  EXPECT_EQ(refusal(with_length(9)), "f: header longer than the file: expected at most 8 bytes, found 9");
  EXPECT_EQ(refusal(with_length(8)), "");
}

TEST(RobustnessA3, EachFaultOfTheHeaderTextHasItsMessage) {
  EXPECT_EQ(refusal_of_header(" {}"), "f:byte 8: expected the header to start with {, found \" \"");
  EXPECT_THAT(refusal_of_header("\xEF\xBB\xBF{}"), HasSubstr("expected the header to start with {"));
  EXPECT_EQ(refusal_of_header("{\"\xFF\":0}"), "f:byte 10: expected a header in UTF-8, found an invalid sequence");
  EXPECT_THAT(refusal_of_header("{\"\xC0\xAF\":0}"), HasSubstr("expected a header in UTF-8"));      // overlong
  EXPECT_THAT(refusal_of_header("{\"\xED\xA0\x80\":0}"), HasSubstr("expected a header in UTF-8"));  // surrogate
  EXPECT_EQ(refusal_of_header("{}x"), "f:byte 10: expected the header to end with } and spaces, found \"x\"");
  EXPECT_THAT(refusal_of_header("{}\n"), HasSubstr("expected the header to end with } and spaces"));
  EXPECT_EQ(refusal_of_header(std::string("{}\0{}", 5)), "f:byte 10: expected JSON, found a NUL byte in the header");
  EXPECT_THAT(refusal_of_header("{}{}"), HasSubstr("f: expected JSON, found at byte"));
  EXPECT_THAT(refusal_of_header("{\"w\":}"), HasSubstr("f:w: expected JSON, found at byte"));
  EXPECT_THAT(refusal_of_header("{'w':1}"), HasSubstr("expected JSON"));
}

TEST(RobustnessA4, DuplicateKeysAreRefusedAlsoInEscapes) {
  const std::string w = entry("U8", "[0]", "[0,0]");
  EXPECT_EQ(refusal_of_header("{\"w\":" + w + ",\"w\":" + w + "}"), "f:w: expected each tensor name once, found it twice");
  EXPECT_EQ(refusal_of_header("{\"w\":" + w + ",\"\\u0077\":" + w + "}"), "f:w: expected each tensor name once, found it twice");
  EXPECT_EQ(refusal_of_header(R"({"w":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}})"),
            "f:w: expected each key once, found \"dtype\" twice");
  EXPECT_EQ(refusal_of_header(R"({"__metadata__":{"a":"","\u0061":""}})"),
            "f:a: expected each key of __metadata__ once, found it twice");
  EXPECT_EQ(refusal_of_header(R"({"__metadata__":{},"__metadata__":{}})"),
            "f:__metadata__: expected __metadata__ once, found it twice");
}

TEST(RobustnessA5, OffsetsThatAreNoTwoIntegersAreRefusedWithTheTensor) {
  EXPECT_EQ(refusal_of_offsets("[8,0]"), "f:w: expected data_offsets in ascending order, found [8, 0]");
  for (const char* number : {"-1", "-0", "1.5", "1.0", "1e0", "\"12\"", "null", "true", "18446744073709551616"}) {
    EXPECT_THAT(refusal_of_offsets(fmt::format("[0,{}]", number)),
                HasSubstr("f:w: expected unsigned 64-bit integers in data_offsets, found"));
  }
  EXPECT_THAT(refusal_of_offsets("[0,1e400]"), HasSubstr("f:w: expected JSON"));
  EXPECT_EQ(refusal_of_offsets("[0]"), "f:w: expected two numbers in data_offsets, found 1");
  EXPECT_EQ(refusal_of_offsets("[]"), "f:w: expected two numbers in data_offsets, found 0");
  EXPECT_EQ(refusal_of_offsets("[0,8,9]"), "f:w: expected two numbers in data_offsets, found more");
  EXPECT_EQ(refusal_of_offsets("8"), "f:w: expected an array in data_offsets, found 8");
  EXPECT_EQ(refusal_of_offsets("[[0,8]]"), "f:w: expected unsigned 64-bit integers in data_offsets, found an array");
  EXPECT_EQ(refusal_of_offsets("[0,8]"), "");
}

TEST(RobustnessA5, DataThatOverlapLeaveHolesOrPassTheEndAreRefused) {
  const auto two = [](const std::string& a, const std::string& b, std::size_t data) {
    return refusal_of_header("{\"a\":" + entry("U8", "[4]", a) + ",\"b\":" + entry("U8", "[4]", b) + "}", data);
  };
  EXPECT_EQ(two("[0,4]", "[4,8]", 8), "");
  EXPECT_EQ(two("[4,8]", "[0,4]", 8), "");
  EXPECT_EQ(two("[0,4]", "[3,7]", 7), "f:b: expected data from byte 4, found 3: it overlaps its neighbour");
  EXPECT_EQ(two("[0,4]", "[0,4]", 4), "f:b: expected data from byte 4, found 0: it overlaps its neighbour");
  EXPECT_EQ(two("[0,4]", "[5,9]", 9), "f:b: expected data from byte 4, found 5: a hole before it");
  EXPECT_EQ(two("[1,5]", "[5,9]", 9), "f:a: expected data from byte 0, found 1: a hole before it");
  EXPECT_EQ(two("[0,4]", "[4,8]", 7), "f:b: expected data_offsets within 7 bytes of data, found 4 bytes at 4");
  EXPECT_EQ(two("[0,4]", "[4,8]", 9), "f: expected 8 bytes of data as in the header, found 9 to the end of the file");
  EXPECT_EQ(two("[0,4]", "[18446744073709551611,18446744073709551615]", 8),
            "f:b: expected data_offsets within 8 bytes of data, found 4 bytes at 18446744073709551611");
}

TEST(RobustnessA5, AnEmptyTensorMayNotHideInsideAnother) {
  const auto with_empty_at = [](int at) {
    return refusal_of_header("{\"a\":" + entry("U8", "[4]", "[0,4]") + ",\"z\":" + entry("U8", "[0]", fmt::format("[{0},{0}]", at)) + "}", 4);
  };
  EXPECT_EQ(with_empty_at(0), "");
  EXPECT_EQ(with_empty_at(4), "");
  EXPECT_EQ(with_empty_at(2), "f:z: expected data from byte 4, found 2: it overlaps its neighbour");
  EXPECT_NE(with_empty_at(5), "");
}

TEST(RobustnessA6, ShapesThatOverflowAreRefused) {
  EXPECT_EQ(refusal_of_shape("[4294967296,4294967296]"),
            "f:w: expected a size below 2^64 bits, found overflow in shape [4294967296, 4294967296]");
  EXPECT_THAT(refusal_of_shape("[576460752303423488]"), HasSubstr("overflow"));  // 2^59 x 32 bits
  EXPECT_THAT(refusal_of_shape("[4294967296,4294967296,0]"), HasSubstr("overflow"));
  EXPECT_EQ(refusal_of_shape("[1,1,1,1,1,1,1,1,2]"), "f:w: expected at most 8 dimensions in shape, found more");
  EXPECT_EQ(refusal_of_shape("[1,1,1,1,1,1,1,2]"), "");
  EXPECT_EQ(refusal_of_shape("[]"), "f:w: expected 4 bytes for F32 [], found 8 in data_offsets");
  EXPECT_EQ(refusal_of_shape("[3]"), "f:w: expected 12 bytes for F32 [3], found 8 in data_offsets");
  EXPECT_EQ(refusal_of_shape("[0]"), "f:w: expected 0 bytes for F32 [0], found 8 in data_offsets");
  EXPECT_EQ(refusal_of_shape("[-2]"), "f:w: expected unsigned 64-bit integers in shape, found -2");
  EXPECT_EQ(refusal_of_shape("2"), "f:w: expected an array in shape, found 2");
}

TEST(RobustnessA7, UnknownTypesAndPartsOfBytesAreRefused) {
  const auto of = [](const std::string& dtype, const std::string& shape, std::size_t bytes) {
    return refusal_of_header("{\"w\":" + entry(dtype, shape, fmt::format("[0,{}]", bytes)) + "}", bytes);
  };
  EXPECT_EQ(of("F31", "[2]", 8), "f:w: expected a dtype of the safetensors format, found \"F31\"");
  EXPECT_EQ(of("F4", "[3]", 2), "f:w: expected whole bytes, found 12 bits for F4 [3]");
  EXPECT_EQ(of("F6_E2M3", "[2]", 2), "f:w: expected whole bytes, found 12 bits for F6_E2M3 [2]");
  EXPECT_EQ(of("F4", "[4]", 2), "");
  EXPECT_EQ(of("F6_E3M2", "[4]", 3), "");
  EXPECT_EQ(of("I32", "[2]", 8), "");  // legal here; WeightsTable refuses it as a weight
}

TEST(SafetensorsSchema, OnlyTheKeysOfTheFormatAreAccepted) {
  EXPECT_EQ(refusal_of_header(R"({"w":{"dtype":"U8","shape":[0]}})"), "f:w: expected the key \"data_offsets\", found none");
  EXPECT_EQ(refusal_of_header(R"({"w":{"dtype":"U8","data_offsets":[0,0]}})"), "f:w: expected the key \"shape\", found none");
  EXPECT_EQ(refusal_of_header(R"({"w":{}})"), "f:w: expected the key \"dtype\", found none");
  EXPECT_EQ(refusal_of_header(R"({"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":0}})"),
            "f:w: expected the keys dtype, shape and data_offsets, found \"x\"");
  EXPECT_EQ(refusal_of_header(R"({"w":1})"), "f:w: expected an object, found 1");
  EXPECT_EQ(refusal_of_header(R"({"w":[]} )"), "f:w: expected an object, found an array");
  EXPECT_EQ(refusal_of_header(R"({"w":{"dtype":1}})"), "f:w: expected a string in dtype, found 1");
  EXPECT_EQ(refusal_of_header(R"({"w":{"dtype":{}}})"), "f:w: expected a string in dtype, found an object");
  EXPECT_EQ(refusal_of_header(R"({"__metadata__":{"a":1}})"), "f:__metadata__: expected a string as value of each key, found 1");
  EXPECT_EQ(refusal_of_header(R"({"__metadata__":{"a":{}}})"),
            "f:__metadata__: expected a string as value of each key, found an object");
  EXPECT_EQ(refusal_of_header(R"({"__metadata__":null} )"), "f:__metadata__: expected an object, found null");
}

TEST(SafetensorsSchema, NamesFromTheFileAreMadePrintable) {
  EXPECT_EQ(refusal_of_header("{\"a\\nb\\u001b[31m\":1}"), "f:a\\x0ab\\x1b[31m: expected an object, found 1");
}

/// A file of this header, refused with this text by a process that grows by less than 64 MB in less than a second.
void expect_cheap_refusal(const std::string& header, const std::string& text, std::size_t data_bytes = 0) {
  const TempFolder folder;
  const std::string path = folder.write("model.safetensors", safetensors_file(header, std::string(data_bytes, '\0')));
  const ChildResult result = run_in_child([&] { SafetensorsFile::open(path); });
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.message, HasSubstr(text));
  if (!kCanMeasure) return;
  EXPECT_LT(result.cpu_seconds, 1.0);
  EXPECT_LT(result.peak_growth_bytes, std::uint64_t{64} << 20);
}

std::string many_tensors(std::size_t count, const std::string& name) {
  std::string header = "{";
  for (std::size_t i = 0; i < count; ++i) {
    header += fmt::format("{}\"{}{}\":{{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[{},{}]}}", i == 0 ? "" : ",", name, i, i, i + 1);
  }
  return header + "}";
}

TEST(RobustnessA8, AMillionTensorsAreRefusedCheaply) {
  expect_cheap_refusal(many_tensors(1'000'000, ""), "header too large");
  expect_cheap_refusal(many_tensors(250'000, ""), "expected at most 65536 tensors, found more");
  expect_cheap_refusal(many_tensors(65'536, std::string(150, 'n')), "expected 65536 bytes of data", 65'535 + 2);
}

TEST(RobustnessA8, TheLargestNumberOfTensorsIsAccepted) {
  const SafetensorsFile file = open_bytes(safetensors_file(many_tensors(65'536, "t"), std::string(65'536, '\0')));
  EXPECT_THAT(file.tensors(), SizeIs(65'536));
  EXPECT_NE(refusal(safetensors_file(many_tensors(65'537, "t"), std::string(65'537, '\0'))), "");
}

TEST(RobustnessA8, HugeMetadataAreRefusedCheaply) {
  expect_cheap_refusal("{\"__metadata__\":{\"a\":\"" + std::string(50'000'000, 'x') + "\"}}", "header too large");
  expect_cheap_refusal("{\"__metadata__\":{\"a\":\"" + std::string(16'700'000, 'x') + "\"}}", "expected strings of at most 4194304 bytes");
  std::string keys;
  for (int i = 0; i < 1'000'000; ++i) keys += fmt::format("\"{}\":\"\",", i);
  expect_cheap_refusal("{\"__metadata__\":{" + keys + "\"a\":\"\"}}", "expected at most 65536 entries of __metadata__");
}

TEST(RobustnessA8, DeepNestingAndLongNamesAreRefusedCheaply) {
  const std::string deep(10'000, '[');
  expect_cheap_refusal("{\"w\":{\"shape\":" + deep + "}", "expected unsigned 64-bit integers in shape, found an array");
  std::string objects;
  for (int i = 0; i < 10'000; ++i) objects += "{\"w\":";
  expect_cheap_refusal(objects + "}", ":w: expected the keys dtype");
  const std::string too_long = "expected strings of at most 4194304 bytes in the header, found a longer one";
  expect_cheap_refusal("{\"" + std::string(16'000'000, 'n') + "\":1}", too_long);
  expect_cheap_refusal("{\"" + std::string(4 << 20, 'n') + "\":1}", "expected an object, found 1");
  std::string quotes;
  for (int i = 0; i < 4'000'000; ++i) quotes += "\\\"";
  expect_cheap_refusal("{\"" + quotes + "\":1}", too_long);
}

TEST(RobustnessA9, AFileThatShrinksAfterOpeningGivesAnError) {
  const TempFolder folder;
  const std::string path = folder.write("f", safetensors_file({{"w", DType::kU8, {100'000}, std::string(100'000, 'x')}}));
  const SafetensorsFile file = SafetensorsFile::open(path);
  std::filesystem::resize_file(path, 5'000);
  std::string out(100'000, '\0');
  EXPECT_THAT(error_message([&] { file.read_bytes(*file.find("w"), 0, out.data(), out.size()); }),
              HasSubstr(path + ":byte 5000: expected more data, found the end of the file"));
}

}  // namespace
}  // namespace spatten

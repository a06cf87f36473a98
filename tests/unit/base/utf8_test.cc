// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/utf8.h"

#include <gtest/gtest.h>

#include <string>

#include "spatten/base/json.h"
#include "support/error_message.h"

namespace spatten {
namespace {

std::string encoded(std::uint32_t code) {
  std::string out;
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6), put(0x80 | (code & 63));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
  } else {
    put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 63)), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
  }
  return out;
}

TEST(Utf8, EveryCodePointButTheSurrogatesIsValid) {
  for (std::uint32_t code = 0; code < 0x11'2000; ++code) {
    const std::string text = encoded(code);
    const bool valid = code < 0xD800 || (code > 0xDFFF && code < 0x11'0000);
    ASSERT_EQ(first_invalid_utf8(text), valid ? text.size() : 0) << code;
  }
}

TEST(Utf8, OverlongCutAndStrayBytesAreFoundWhereTheyStart) {
  EXPECT_EQ(first_invalid_utf8(""), 0u);
  EXPECT_EQ(first_invalid_utf8("abc"), 3u);
  for (const std::string bad : {"\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\x80", "\xFF", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xC3\x28"}) {
    EXPECT_EQ(first_invalid_utf8("ab\xC3\xA9" + bad), 4u);
  }
}

TEST(Json, ANulByteDoesNotEndTheText) {
  EXPECT_EQ(error_message([] { JsonFile::parse(std::string("{}\0{", 4), "f"); }), "f:byte 2: expected JSON, found a NUL byte");
}

TEST(Json, ASyntaxErrorNamesTheKeyThatItFollows) {
  const std::string message = error_message([] { JsonFile::parse("{\"a\": {\n\"eps\": NaN}}", "f"); });
  EXPECT_EQ(message.substr(0, message.find(" expected")), "f:2:/a/eps:");
}

TEST(Json, KeysInTheWayToAnErrorAreMadePrintable) {
  const std::string syntax = error_message([] { JsonFile::parse("{\"a\\nb\": x}", "f"); });
  EXPECT_EQ(syntax.substr(0, syntax.find(" expected")), "f:1:/a\\x0ab:");
  const std::string depth = error_message([] { JsonFile::parse("{\"a\\nb\": [[[]]]}", "f", {.depth = 3}); });
  EXPECT_EQ(depth, "f:1:/a\\x0ab/0: expected at most 3 nested levels, found more");
}

}  // namespace
}  // namespace spatten

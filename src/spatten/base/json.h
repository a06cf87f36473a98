// SPDX-License-Identifier: Apache-2.0
// JSON from files that are not trusted: strict (no duplicate keys, UTF-8, no NaN), bounded in bytes, depth and number of
// values, and every complaint names file, line and key. Parsing itself is nlohmann-json.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "spatten/base/error.h"

namespace spatten {

using Json = nlohmann::ordered_json;  // keeps the order of the keys

struct JsonLimits {
  std::uint64_t bytes = std::uint64_t{64} << 20;
  std::uint64_t depth = 64;
  std::uint64_t values = std::uint64_t{8} << 20;
};

class JsonFile;

/// One value inside a JsonFile and the way to it. Getters throw Error "FILE:LINE:/key/path: expected ..., found ...".
class JsonNode {
 public:
  const Json& json() const { return *value_; }
  const std::string& pointer() const { return pointer_; }

  bool is_object() const;
  bool is_array() const;
  bool is_string() const;
  bool is_number() const;
  bool is_null() const;

  /// Member of an object; throws when this is no object or the key is absent.
  JsonNode at(std::string_view key) const;
  /// Member of an object, nothing when it is absent or null.
  std::optional<JsonNode> find(std::string_view key) const;
  /// Elements of an array, members of an object (see key()).
  std::vector<JsonNode> items() const;
  std::size_t size() const;
  /// Last part of the pointer: the key of a member.
  const std::string& key() const { return key_; }

  std::int64_t integer(std::int64_t min, std::int64_t max) const;
  double number(double min, double max) const;
  bool boolean() const;
  const std::string& string() const;

  /// Every key of this object must be one of these; otherwise the nearest one is named.
  void expect_keys(const std::vector<std::string>& known) const;
  [[noreturn]] void fail(std::string_view message) const;
  /// fail("expected WANTED, found VALUE")
  [[noreturn]] void fail_expected(std::string_view wanted) const;

 private:
  friend class JsonFile;
  JsonNode(const JsonFile* file, const Json* value, std::string pointer, std::string key)
      : file_(file), value_(value), pointer_(std::move(pointer)), key_(std::move(key)) {}
  JsonNode child(std::string_view key, const Json& value) const;

  const JsonFile* file_;
  const Json* value_;
  std::string pointer_, key_;
};

/// A parsed document and its name. Nodes point into it: keep it alive and do not move it while they are in use.
class JsonFile {
 public:
  static JsonFile parse(std::string text, std::string name, JsonLimits limits = {});
  static JsonFile load(const std::string& path, JsonLimits limits = {});
  ~JsonFile();
  JsonFile(JsonFile&&) noexcept;
  JsonFile& operator=(JsonFile&&) noexcept;

  const std::string& name() const { return name_; }
  JsonNode root() const;
  /// Line (from 1) on which the value at this pointer starts, 0 when unknown.
  std::size_t line_of(const std::string& pointer) const;

 private:
  JsonFile(std::string text, std::string name);
  std::string text_, name_;
  std::unique_ptr<Json> root_;
};

/// Compact dump that replaces invalid UTF-8 and prints numbers so that they read back to the same value.
std::string dump_json(const Json& value, int indent = -1);

}  // namespace spatten

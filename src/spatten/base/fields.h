// SPDX-License-Identifier: Apache-2.0
// One field list per struct; reading, writing, overriding and documenting are derived from it.
//
//   struct Spec {
//     int lanes = 16;
//     template <class S, class F> static void each(S& s, F&& f) { f("lanes", s.lanes, "element/cycle", "comparators"); }
//     void validate(const JsonNode& node) const;   // optional: ranges and rules between fields, node.at("lanes").fail(...)
//   };
//
// A field is a bool, integer, floating-point number, string, enum with `enum_names`, std::vector or std::optional of
// those, or a struct with a field list of its own.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "spatten/base/json_tree.h"
#include "spatten/base/nearest.h"

namespace spatten {

/// Names of an enum's values, as an overload found by argument-dependent lookup:
///   inline std::vector<std::pair<E, std::string>> enum_names(E) { return {{E::kA, "a"}, ...}; }
template <class T>
concept NamedEnum = std::is_enum_v<T> && requires(T v) { enum_names(v); };

template <class T>
concept FieldStruct = std::is_class_v<T> && requires(T& t) { T::each(t, [](auto&&...) {}); };

template <NamedEnum E>
std::string enum_name(E value) {
  for (const auto& [v, name] : enum_names(value)) {
    if (v == value) return name;
  }
  SPATTEN_CHECK(false);
  return "";
}

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};

template <class T>
void read_field(const JsonNode& node, T& out);

/// Reads the fields that are present; unknown keys are errors that name the nearest known one.
template <FieldStruct T>
void read_fields(const JsonNode& node, T& out) {
  std::vector<std::string> known;
  T::each(out, [&](const char* name, auto&, const char*, const char*) { known.emplace_back(name); });
  node.expect_keys(known);
  T::each(out, [&](const char* name, auto& field, const char*, const char*) {
    const auto it = node.json().find(name);
    if (it != node.json().end()) read_field(node.at(name), field);
  });
  if constexpr (requires { out.validate(node); }) out.validate(node);
}

template <class T>
void read_field(const JsonNode& node, T& out) {
  if constexpr (FieldStruct<T>) {
    read_fields(node, out);
  } else if constexpr (NamedEnum<T>) {
    std::vector<std::string> known;
    for (const auto& [value, name] : enum_names(T{})) {
      if (node.is_string() && node.string() == name) {
        out = value;
        return;
      }
      known.push_back(name);
    }
    std::string list;
    for (const std::string& k : known) list += (list.empty() ? "" : ", ") + k;
    node.fail_expected("one of " + list);
  } else if constexpr (IsVector<T>::value) {
    if (!node.is_array()) node.fail_expected("an array");
    out.clear();
    for (const JsonNode& item : node.items()) read_field(item, out.emplace_back());
  } else if constexpr (IsOptional<T>::value) {
    if (node.is_null()) {
      out.reset();
    } else {
      read_field(node, out.emplace());
    }
  } else if constexpr (std::is_same_v<T, bool>) {
    out = node.boolean();
  } else if constexpr (std::is_same_v<T, std::string>) {
    out = node.string();
  } else if constexpr (std::is_floating_point_v<T>) {
    out = static_cast<T>(node.number(std::numeric_limits<T>::lowest(), std::numeric_limits<T>::max()));
  } else {
    static_assert(std::is_integral_v<T>);
    constexpr auto kMax = static_cast<std::int64_t>(
        std::min<std::uint64_t>(std::numeric_limits<std::int64_t>::max(), static_cast<std::uint64_t>(std::numeric_limits<T>::max())));
    out = static_cast<T>(node.integer(static_cast<std::int64_t>(std::numeric_limits<T>::min()), kMax));
  }
}

template <class T>
Json write_field(const T& value) {
  if constexpr (FieldStruct<T>) {
    Json out = Json::object();
    T::each(value, [&](const char* name, const auto& field, const char*, const char*) { out[name] = write_field(field); });
    return out;
  } else if constexpr (NamedEnum<T>) {
    return enum_name(value);
  } else if constexpr (IsVector<T>::value) {
    Json out = Json::array();
    for (const auto& v : value) out.push_back(write_field(v));
    return out;
  } else if constexpr (IsOptional<T>::value) {
    return value ? write_field(*value) : Json(nullptr);
  } else {
    return value;
  }
}

/// One key of a struct and what a reader of the documentation wants to know about it.
struct FieldLine {
  std::string key;  // dotted; elements of a list have "[]"
  std::string type, default_value, unit, text;
};

template <class T>
std::string field_type() {
  if constexpr (FieldStruct<T>) {
    return "object";
  } else if constexpr (NamedEnum<T>) {
    std::string names;
    for (const auto& [value, name] : enum_names(T{})) names += (names.empty() ? "" : ", ") + name;
    return names;
  } else if constexpr (IsVector<T>::value) {
    return "list of " + field_type<typename T::value_type>();
  } else if constexpr (IsOptional<T>::value) {
    return field_type<typename T::value_type>() + " or null";
  } else if constexpr (std::is_same_v<T, bool>) {
    return "boolean";
  } else if constexpr (std::is_same_v<T, std::string>) {
    return "string";
  } else {
    return std::is_floating_point_v<T> ? "number" : "integer";
  }
}

/// Every key of T in the order of its field list, nested ones with their prefix: the source of docs/formats.
template <FieldStruct T>
void list_fields(const std::string& prefix, std::vector<FieldLine>& out) {
  T defaults;
  T::each(defaults, [&]<class M>(const char* name, M& field, const char* unit, const char* text) {
    const std::string key = prefix + name;
    if constexpr (FieldStruct<M>) {
      out.push_back({key, field_type<M>(), "", unit, text});
      list_fields<M>(key + ".", out);
    } else {
      out.push_back({key, field_type<M>(), write_field(field).dump(), unit, text});
      if constexpr (IsVector<M>::value) {
        if constexpr (FieldStruct<typename M::value_type>) list_fields<typename M::value_type>(key + "[].", out);
      }
    }
  });
}

/// `KEY=VALUE` laid over a JSON object; the key is dotted ("token.keep"), the value is JSON or else a plain string.
/// Throws UsageError when there is no "=". Whether the key exists is found when the object is read back.
void apply_override(Json& object, std::string_view assignment);

/// The file's document with the overrides laid over it, named after both.
JsonFile override_file(const JsonFile& file, const std::vector<std::string>& overrides);

/// `read` of the file's root, with overrides. The file is read without them first, so that what is wrong then is wrong in an
/// override: a UsageError.
template <class Read>
auto read_overridden(const JsonFile& file, const std::vector<std::string>& overrides, Read&& read) {
  auto plain = read(file.root());
  if (overrides.empty()) return plain;
  try {
    const JsonFile overridden = override_file(file, overrides);
    return read(overridden.root());
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
}

}  // namespace spatten

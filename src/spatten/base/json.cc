// SPDX-License-Identifier: Apache-2.0
#include "spatten/base/json.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "spatten/base/file.h"
#include "spatten/base/json_tree.h"
#include "spatten/base/nearest.h"

namespace spatten {
namespace {

/// Walks over the text and counts lines, so that a SAX callback knows where it is.
struct CountingIterator {
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  const char* at;
  std::size_t* line;

  reference operator*() const { return *at; }
  CountingIterator& operator++() {
    *line += *at == '\n' ? 1 : 0;
    ++at;
    return *this;
  }
  bool operator==(const CountingIterator& o) const { return at == o.at; }
  bool operator!=(const CountingIterator& o) const { return at != o.at; }
};

std::string escape(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

/// Builds the document and enforces the limits; remembers the line of one pointer when asked.
class Builder {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  Builder(const std::string& name, const JsonLimits& limits, const std::size_t& line)
      : name_(name), limits_(limits), line_(line) {}

  Json root;
  std::string wanted_pointer;
  std::size_t wanted_line = 0;

  bool null() { return add(nullptr); }
  bool boolean(bool v) { return add(v); }
  bool number_integer(number_integer_t v) { return add(v); }
  bool number_unsigned(number_unsigned_t v) { return add(v); }
  bool number_float(number_float_t v, const string_t&) { return add(v); }
  bool string(string_t& v) { return add(std::move(v)); }
  bool binary(binary_t&) { return false; }
  bool start_object(std::size_t) { return open(Json::object()); }
  bool end_object() { return close(); }
  bool start_array(std::size_t) { return open(Json::array()); }
  bool end_array() { return close(); }
  bool key(string_t& k) {
    if (!stack_.back().keys.insert(k).second) fail(fmt::format("expected each key once, found \"{}\" twice", printable(k)));
    stack_.back().key = std::move(k);
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception& e) {
    std::string what = e.what();
    if (const auto colon = what.rfind("syntax error"); colon != std::string::npos) what = what.substr(colon);
    // The key just read names the culprit: {"eps": NaN} fails at /eps.
    if (!stack_.empty() && !stack_.back().value->is_array() && !stack_.back().key.empty()) pointer_ += part();
    fail("expected JSON, found " + printable(what, 200));
  }

 private:
  struct Level {
    Json* value;
    std::string key;
    std::set<std::string> keys;
    std::size_t pointer_size;
  };

  [[noreturn]] void fail(const std::string& message) const {
    const std::string place = pointer_.empty() ? std::to_string(line_) : fmt::format("{}:{}", line_, printable(pointer_, 120));
    throw Error(name_, place, message);
  }

  std::string part() const {
    const Level& top = stack_.back();
    return "/" + (top.value->is_array() ? std::to_string(top.value->size()) : escape(top.key));
  }
  void notice() {
    if (wanted_pointer.empty() || wanted_line != 0) return;
    if (pointer_ + (stack_.empty() ? "" : part()) == wanted_pointer) wanted_line = line_;
  }
  template <class T>
  Json* insert(T&& v) {
    if (++values_ > limits_.values) fail(fmt::format("expected at most {} values, found more", limits_.values));
    notice();
    if (stack_.empty()) {
      root = std::forward<T>(v);
      return &root;
    }
    Level& top = stack_.back();
    if (top.value->is_array()) {
      top.value->push_back(std::forward<T>(v));
      return &top.value->back();
    }
    // Appending keeps the order and is constant time: the key is known to be new.
    auto& object = top.value->get_ref<Json::object_t&>();
    object.push_back({top.key, Json(std::forward<T>(v))});
    return &object.back().second;
  }
  template <class T>
  bool add(T&& v) {
    insert(std::forward<T>(v));
    return true;
  }
  bool open(Json v) {
    if (stack_.size() >= limits_.depth) fail(fmt::format("expected at most {} nested levels, found more", limits_.depth));
    const std::size_t before = pointer_.size();
    const std::string step = stack_.empty() ? "" : part();
    Json* inserted = insert(std::move(v));
    pointer_ += step;
    stack_.push_back({inserted, "", {}, before});
    return true;
  }
  bool close() {
    pointer_.resize(stack_.back().pointer_size);
    stack_.pop_back();
    return true;
  }

  const std::string& name_;
  const JsonLimits& limits_;
  const std::size_t& line_;
  std::string pointer_;
  std::vector<Level> stack_;
  std::uint64_t values_ = 0;
};

std::string describe(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return fmt::format("an array of {}", value.size());
  return printable(dump_json(value), 60);
}

}  // namespace

// ---------------------------------------------------------------- JsonFile

JsonFile::JsonFile(std::string text, std::string name)
    : text_(std::move(text)), name_(std::move(name)), root_(std::make_unique<Json>()) {}
JsonFile::~JsonFile() = default;
JsonFile::JsonFile(JsonFile&&) noexcept = default;
JsonFile& JsonFile::operator=(JsonFile&&) noexcept = default;

JsonFile JsonFile::parse(std::string text, std::string name, JsonLimits limits) {
  if (text.size() > limits.bytes) {
    throw Error(name, "", fmt::format("expected at most {} bytes of JSON, found {}", limits.bytes, text.size()));
  }
  if (text.starts_with("\xEF\xBB\xBF")) throw Error(name, "1", "expected JSON, found a byte order mark");
  if (const auto nul = text.find('\0'); nul != std::string::npos) {  // the parser would take it for the end of the text
    throw Error(name, fmt::format("byte {}", nul), "expected JSON, found a NUL byte");
  }
  JsonFile file(std::move(text), std::move(name));
  std::size_t line = 1;
  Builder builder(file.name_, limits, line);
  const char* begin = file.text_.data();
  if (!Json::sax_parse(CountingIterator{begin, &line}, CountingIterator{begin + file.text_.size(), &line}, &builder)) {
    throw Error(file.name_, std::to_string(line), "expected JSON");
  }
  *file.root_ = std::move(builder.root);
  return file;
}

JsonFile JsonFile::load(const std::string& path, JsonLimits limits) {
  return parse(read_file(path, limits.bytes), path, limits);
}

JsonNode JsonFile::root() const { return {this, root_.get(), "", ""}; }

std::size_t JsonFile::line_of(const std::string& pointer) const {
  std::size_t line = 1;
  const JsonLimits no_limits{UINT64_MAX, UINT64_MAX, UINT64_MAX};
  Builder builder(name_, no_limits, line);
  builder.wanted_pointer = pointer;
  const char* begin = text_.data();
  Json::sax_parse(CountingIterator{begin, &line}, CountingIterator{begin + text_.size(), &line}, &builder);
  return builder.wanted_line;
}

// ---------------------------------------------------------------- JsonNode

bool JsonNode::is_object() const { return value_->is_object(); }
bool JsonNode::is_array() const { return value_->is_array(); }
bool JsonNode::is_string() const { return value_->is_string(); }
bool JsonNode::is_number() const { return value_->is_number(); }
bool JsonNode::is_null() const { return value_->is_null(); }
std::size_t JsonNode::size() const { return value_->size(); }

JsonNode JsonNode::child(std::string_view key, const Json& value) const {
  return {file_, &value, pointer_ + "/" + escape(key), std::string(key)};
}

JsonNode JsonNode::at(std::string_view key) const {
  if (!value_->is_object()) fail_expected("an object");
  const auto it = value_->find(std::string(key));
  if (it == value_->end()) fail(fmt::format("expected the key \"{}\", found none", key));
  return child(key, *it);
}

std::optional<JsonNode> JsonNode::find(std::string_view key) const {
  if (!value_->is_object()) fail_expected("an object");
  const auto it = value_->find(std::string(key));
  if (it == value_->end() || it->is_null()) return std::nullopt;
  return child(key, *it);
}

std::vector<JsonNode> JsonNode::items() const {
  std::vector<JsonNode> out;
  out.reserve(value_->size());
  if (value_->is_array()) {
    for (std::size_t i = 0; i < value_->size(); ++i) out.push_back(child(std::to_string(i), (*value_)[i]));
  } else if (value_->is_object()) {
    for (const auto& [key, value] : value_->get_ref<const Json::object_t&>()) out.push_back(child(key, value));
  } else {
    fail_expected("an array or an object");
  }
  return out;
}

std::int64_t JsonNode::integer(std::int64_t min, std::int64_t max) const {
  const bool whole = value_->is_number_integer() ||
                     (value_->is_number_float() && std::trunc(value_->get<double>()) == value_->get<double>() &&
                      std::abs(value_->get<double>()) < 0x1p53);
  const bool fits = whole && !(value_->is_number_unsigned() && value_->get<std::uint64_t>() > INT64_MAX);
  if (fits) {
    const auto v = value_->is_number_float() ? static_cast<std::int64_t>(value_->get<double>()) : value_->get<std::int64_t>();
    if (v >= min && v <= max) return v;
  }
  fail_expected(max == INT64_MAX ? fmt::format("an integer of at least {}", min)
                                 : fmt::format("an integer from {} to {}", min, max));
}

double JsonNode::number(double min, double max) const {
  if (value_->is_number()) {
    const double v = value_->get<double>();
    if (v >= min && v <= max) return v;
  }
  fail_expected(fmt::format("a number from {} to {}", min, max));
}

bool JsonNode::boolean() const {
  if (!value_->is_boolean()) fail_expected("true or false");
  return value_->get<bool>();
}

const std::string& JsonNode::string() const {
  if (!value_->is_string()) fail_expected("a string");
  return value_->get_ref<const std::string&>();
}

void JsonNode::expect_keys(const std::vector<std::string>& known) const {
  if (!value_->is_object()) fail_expected("an object");
  for (const auto& [key, value] : value_->get_ref<const Json::object_t&>()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      child(key, value).fail("unknown key" + did_you_mean(key, known));
    }
  }
}

void JsonNode::fail(std::string_view message) const {
  const std::size_t line = file_->line_of(pointer_);
  const std::string shown = printable(pointer_, 120);
  throw Error(file_->name(), line == 0 ? shown : pointer_.empty() ? std::to_string(line) : fmt::format("{}:{}", line, shown),
              message);
}

void JsonNode::fail_expected(std::string_view wanted) const {
  fail(fmt::format("expected {}, found {}", wanted, describe(*value_)));
}

std::string dump_json(const Json& value, int indent) {
  return value.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/model/safetensors_header.h"

#include <algorithm>
#include <utility>

#include "spatten/base/checked.h"
#include "spatten/base/json_tree.h"
#include "spatten/base/utf8.h"

namespace spatten {
namespace {

constexpr std::size_t kMaxRank = 8;
constexpr std::string_view kMetadata = "__metadata__";

/// Takes the tokens of the header. The grammar is so small that its state is the nesting level and a few words:
///   { "__metadata__": {"key": "value", ...}, "tensor": {"dtype": "F32", "shape": [...], "data_offsets": [a, b]}, ... }
class HeaderReader {
 public:
  using number_integer_t = Json::number_integer_t;
  using number_unsigned_t = Json::number_unsigned_t;
  using number_float_t = Json::number_float_t;
  using string_t = Json::string_t;
  using binary_t = Json::binary_t;

  HeaderReader(const std::string& path, const SafetensorsLimits& limits) : path_(path), limits_(limits) {}

  std::vector<TensorInfo> take() {
    refuse_duplicates(metadata_keys_, "key of __metadata__");
    std::vector<std::string_view> names;
    for (const TensorInfo& t : tensors_) names.push_back(t.name);
    refuse_duplicates(names, "tensor name");
    return std::move(tensors_);
  }

  // ---- the interface that nlohmann-json calls
  bool null() { fail_value("null"); }
  bool boolean(bool v) { fail_value(v ? "true" : "false"); }
  bool number_integer(number_integer_t v) { fail_value(std::to_string(v)); }  // only negative numbers, and -0
  bool number_float(number_float_t, const string_t& text) { fail_value(printable(text, 40)); }
  bool number_unsigned(number_unsigned_t v) {
    if (level_ != Level::kList) fail_value(std::to_string(v));
    std::vector<std::uint64_t>& list = in_shape_ ? tensors_.back().shape : offsets_;
    if (list.size() == (in_shape_ ? kMaxRank : 2)) {
      fail(in_shape_ ? fmt::format("expected at most {} dimensions in shape, found more", kMaxRank)
                     : "expected two numbers in data_offsets, found more");
    }
    list.push_back(v);
    return true;
  }
  bool string(string_t& v) {
    if (level_ == Level::kMetadataEntries) return true;
    if (level_ != Level::kTensor || key_ != "dtype") fail_value(fmt::format("\"{}\"", printable(v, 40)));
    const auto type = dtype_from_name(v);
    if (!type) fail(fmt::format("expected a dtype of the safetensors format, found \"{}\"", printable(v, 40)));
    tensors_.back().dtype = *type;
    return true;
  }
  bool binary(binary_t&) { return false; }
  bool key(string_t& k) {
    if (level_ == Level::kTop) return top_key(k);
    if (level_ == Level::kMetadataEntries) {
      check_count(metadata_keys_.size(), "entries of __metadata__");
      metadata_keys_.push_back(std::move(k));
      return true;
    }
    bool* seen = k == "dtype" ? &seen_dtype_ : k == "shape" ? &seen_shape_ : k == "data_offsets" ? &seen_offsets_ : nullptr;
    if (seen == nullptr) fail(fmt::format("expected the keys dtype, shape and data_offsets, found \"{}\"", printable(k, 40)));
    if (*seen) fail(fmt::format("expected each key once, found \"{}\" twice", k));
    *seen = true;
    key_ = std::move(k);
    return true;
  }
  bool start_object(std::size_t) {
    if (level_ == Level::kNone) {
      level_ = Level::kTop;
    } else if (level_ == Level::kTop) {
      level_ = name_ == kMetadata ? Level::kMetadataEntries : Level::kTensor;
      if (level_ == Level::kTensor) start_tensor();
    } else {
      fail_value("an object");
    }
    return true;
  }
  bool end_object() {
    if (level_ == Level::kTensor) finish_tensor();
    level_ = level_ == Level::kTop ? Level::kNone : Level::kTop;
    name_.clear();
    return true;
  }
  bool start_array(std::size_t) {
    if (level_ != Level::kTensor || key_ == "dtype") fail_value("an array");
    level_ = Level::kList;
    in_shape_ = key_ == "shape";
    return true;
  }
  bool end_array() {
    level_ = Level::kTensor;
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) {
    std::string_view what = e.what();
    if (const auto at = what.rfind("syntax error"); at != std::string_view::npos) what.remove_prefix(at);
    fail(fmt::format("expected JSON, found at byte {} of the header: {}", position, printable(what, 200)));
  }

 private:
  enum class Level { kNone, kTop, kMetadataEntries, kTensor, kList };

  [[noreturn]] void fail(std::string_view message) const { throw Error(path_, printable(name_, 120), message); }

  /// A value that may not stand here.
  [[noreturn]] void fail_value(std::string_view found) const {
    const auto expected = [&]() -> std::string {
      switch (level_) {
        case Level::kNone:
        case Level::kTop: return "an object";
        case Level::kMetadataEntries: return "a string as value of each key";
        case Level::kTensor: return key_ == "dtype" ? "a string in dtype" : "an array in " + key_;
        case Level::kList: break;
      }
      return fmt::format("unsigned 64-bit integers in {}", in_shape_ ? "shape" : "data_offsets");
    };
    fail(fmt::format("expected {}, found {}", expected(), found));
  }

  void check_count(std::size_t count, const char* what) const {
    if (count >= limits_.tensors) throw Error(path_, "", fmt::format("expected at most {} {}, found more", limits_.tensors, what));
  }

  bool top_key(string_t& k) {
    name_ = std::move(k);
    if (name_ != kMetadata) check_count(tensors_.size(), "tensors");
    if (name_ == kMetadata && std::exchange(seen_metadata_, true)) fail("expected __metadata__ once, found it twice");
    return true;
  }

  void start_tensor() {
    tensors_.emplace_back().name = name_;
    offsets_.clear();
    seen_dtype_ = seen_shape_ = seen_offsets_ = false;
  }

  void finish_tensor() {
    for (const auto& [seen, key] : {std::pair(seen_dtype_, "dtype"), {seen_shape_, "shape"}, {seen_offsets_, "data_offsets"}}) {
      if (!seen) fail(fmt::format("expected the key \"{}\", found none", key));
    }
    if (offsets_.size() != 2) fail(fmt::format("expected two numbers in data_offsets, found {}", offsets_.size()));
    TensorInfo& t = tensors_.back();
    const std::uint64_t begin = offsets_[0], end = offsets_[1];
    if (end < begin) fail(fmt::format("expected data_offsets in ascending order, found [{}, {}]", begin, end));
    t.offset = begin;
    t.bytes = end - begin;
    if (const std::uint64_t bytes = bytes_of(t); bytes != t.bytes) {
      fail(fmt::format("expected {} bytes for {} {}, found {} in data_offsets", bytes, dtype_name(t.dtype),
                       shape_text(t.shape), t.bytes));
    }
  }

  std::uint64_t bytes_of(const TensorInfo& t) const {
    Checked bits = 0;
    try {
      bits = Checked(t.elements()) * dtype_bits(t.dtype);
    } catch (const Overflow&) {
      fail(fmt::format("expected a size below 2^64 bits, found overflow in shape {}", shape_text(t.shape)));
    }
    if (bits.value() % 8 != 0) {
      fail(fmt::format("expected whole bytes, found {} bits for {} {}", bits.value(), dtype_name(t.dtype), shape_text(t.shape)));
    }
    return bits.value() / 8;
  }

  /// Sorting finds them without a second copy of the names.
  template <class T>
  void refuse_duplicates(std::vector<T>& words, const char* what) const {
    std::sort(words.begin(), words.end());
    const auto twice = std::adjacent_find(words.begin(), words.end());
    if (twice == words.end()) return;
    throw Error(path_, printable(*twice, 120), fmt::format("expected each {} once, found it twice", what));
  }

  const std::string& path_;
  const SafetensorsLimits& limits_;
  Level level_ = Level::kNone;
  std::string name_, key_;  // of the tensor, within the tensor
  bool in_shape_ = false, seen_dtype_ = false, seen_shape_ = false, seen_offsets_ = false, seen_metadata_ = false;
  std::vector<std::uint64_t> offsets_;
  std::vector<std::string> metadata_keys_;
  std::vector<TensorInfo> tensors_;
};

/// The JSON parser holds a string up to four times while it grows; this keeps that small beside the header.
void check_strings(std::string_view header, const std::string& path, std::uint64_t limit) {
  std::size_t start = std::string_view::npos;  // of the string that `at` is in
  for (std::size_t at = 0; at < header.size(); ++at) {
    const bool inside = start != std::string_view::npos;
    if (inside && at - start - 1 > limit) {
      throw Error(path, fmt::format("byte {}", start + 8), fmt::format("expected strings of at most {} bytes in the header, found a longer one", limit));
    }
    if (header[at] == '"') start = inside ? std::string_view::npos : at;
    if (inside && header[at] == '\\') ++at;  // an escaped quote does not end the string
  }
}

/// What the JSON parser would accept or report in less clear words.
void check_text(std::string_view header, const std::string& path) {
  if (header.empty() || header[0] != '{') {
    throw Error(path, "byte 8", fmt::format("expected the header to start with {{, found \"{}\"", printable(header.substr(0, 1))));
  }
  if (const std::size_t bad = first_invalid_utf8(header); bad != header.size()) {
    throw Error(path, fmt::format("byte {}", bad + 8), "expected a header in UTF-8, found an invalid sequence");
  }
  if (const std::size_t nul = header.find('\0'); nul != std::string_view::npos) {  // would end the text for the parser
    throw Error(path, fmt::format("byte {}", nul + 8), "expected JSON, found a NUL byte in the header");
  }
  const std::size_t last = header.find_last_not_of(' ');
  if (header[last] != '}') {
    throw Error(path, fmt::format("byte {}", last + 8),
                fmt::format("expected the header to end with }} and spaces, found \"{}\"", printable(header.substr(last, 1))));
  }
}

}  // namespace

std::vector<TensorInfo> parse_safetensors_header(std::string_view header, const std::string& path,
                                                 const SafetensorsLimits& limits) {
  check_text(header, path);
  check_strings(header, path, limits.string_bytes);
  HeaderReader reader(path, limits);
  if (!Json::sax_parse(header.data(), header.data() + header.size(), &reader)) throw Error(path, "", "expected a JSON header");
  return reader.take();
}

}  // namespace spatten

// SPDX-License-Identifier: Apache-2.0
#include "spatten/trace/csv_columns.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "spatten/base/error.h"

namespace spatten::trace {

enum Column : std::size_t {
  kIteration, kLayer, kHead, kHeadDim, kContext, kKeys, kKeyBits, kQueryBits, kThreshold, kRequant, kLsbBits, kValues,
  kValueBits, kAccumulate, kRescale, kIfTopK, kTopK
};

const std::array<CsvColumn, kCsvColumns> kCsvColumnList = {{
    {"iteration_id", "step"},
    {"layer_id", "layer"},
    {"head_id", "head"},
    {"embedding_length_D", "head_dim"},
    {"sentence_length_L", "context"},
    {"key_fetch_num", "keys"},
    {"quant_key_bit", "key_msb_bits"},
    {"quant_query_bit", "query_bits"},
    {"auto_requant_thres", "threshold"},
    {"if_requant", "lsb_rows"},
    {"auto_requant_incre", "key_lsb_bits"},
    {"value_fetch_num", "values"},
    {"quant_value_bit", "value_bits"},
    {"if_accumulate_importance", "accumulate_importance"},
    {"if_rescale_previous_importance", "rescale_importance"},
    {"if_topk", ""},
    {"topk", "top_k_tokens"},
}};

std::size_t csv_column_of(std::string_view field) {
  for (std::size_t i = 0; i < kCsvColumns; ++i) {
    if (kCsvColumnList[i].field == field) return i;
  }
  SPATTEN_CHECK(false);  // a generation record built from cells can break no other field's rule
  return 0;
}

std::array<std::string_view, kCsvColumns> split_csv(std::string_view line, const CsvFail& fail) {
  std::array<std::string_view, kCsvColumns> cells;
  for (std::size_t i = 0; i < kCsvColumns; ++i) {
    const std::size_t comma = line.find(',');
    cells[i] = line.substr(0, comma);
    if (i + 1 == kCsvColumns) {
      if (comma != std::string_view::npos) fail(i, fmt::format("expected {} columns, found more", kCsvColumns));
      break;
    }
    if (comma == std::string_view::npos) fail(i, fmt::format("expected {} columns, found {}", kCsvColumns, i + 1));
    line.remove_prefix(comma + 1);
  }
  return cells;
}

namespace {

/// Typed access to one row's cells.
class Cells {
 public:
  Cells(const std::array<std::string_view, kCsvColumns>& cells, const CsvFail& fail) : cells_(cells), fail_(fail) {}

  std::uint32_t count(Column c) const {
    std::uint32_t value = 0;
    if (!whole(c, value)) expected(c, "a count");
    return value;
  }

  /// -1 becomes 0; a 0 of its own does not exist.
  std::uint32_t count_or_none(Column c) const {
    if (cells_[c] == "-1") return 0;
    std::uint32_t value = 0;
    if (!whole(c, value) || value == 0) expected(c, "-1 or a positive count");
    return value;
  }

  std::uint8_t bits_or_none(Column c) const {
    const std::uint32_t value = count_or_none(c);
    if (value > kMaxBits) expected(c, "-1 or a width of 1 to 32 bits");
    return static_cast<std::uint8_t>(value);
  }

  /// A count with or without a decimal point, as pandas writes it: 64.0.
  std::uint32_t count_as_float(Column c) const {
    double value = 0;
    if (!whole(c, value) || value != std::floor(value) || value < 1 || value > kMaxHeadDim) {
      expected(c, fmt::format("a whole number from 1 to {}", kMaxHeadDim));
    }
    return static_cast<std::uint32_t>(value);
  }

  double threshold(Column c) const {
    if (cells_[c] == "-1") return 0.0;
    double value = 0;
    if (!whole(c, value) || !(value > 0.0 && value <= 1.0)) expected(c, "-1 or a probability above 0");
    return value;
  }

  bool flag(Column c) const {
    if (cells_[c] == "True") return true;
    if (cells_[c] != "False") expected(c, "True or False");
    return false;
  }

  void expected(Column c, const std::string& wanted) const {
    fail_(c, fmt::format("expected {}, found \"{}\"", wanted, printable(cells_[c])));
  }

 private:
  template <class T>
  bool whole(Column c, T& value) const {
    const char* end = cells_[c].data() + cells_[c].size();
    const auto result = std::from_chars(cells_[c].data(), end, value);
    return result.ec == std::errc() && result.ptr == end;
  }

  const std::array<std::string_view, kCsvColumns>& cells_;
  const CsvFail& fail_;
};

std::string or_minus_one(std::uint32_t value) { return value == 0 ? "-1" : std::to_string(value); }

/// As Python prints a float: always with a point or an exponent.
std::string python_float(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

const char* python_bool(bool value) { return value ? "True" : "False"; }

}  // namespace

Record parse_csv(const std::array<std::string_view, kCsvColumns>& cells, const CsvFail& fail) {
  const Cells in(cells, fail);
  Record r;
  r.step = in.count(kIteration);
  r.layer = in.count(kLayer);
  r.head = in.count(kHead);
  r.head_dim = in.count_as_float(kHeadDim);
  r.context = in.count(kContext);
  r.keys = in.count(kKeys);
  r.key_msb_bits = in.bits_or_none(kKeyBits);
  r.query_bits = in.bits_or_none(kQueryBits);
  r.threshold = in.threshold(kThreshold);
  r.lsb_rows = in.flag(kRequant) ? 1 : 0;
  r.key_lsb_bits = in.bits_or_none(kLsbBits);
  if (r.lsb_rows != 0 && r.key_lsb_bits == 0) in.expected(kRequant, "False, since auto_requant_incre is -1");
  r.values = in.count(kValues);
  r.value_bits = in.bits_or_none(kValueBits);
  r.accumulate_importance = in.flag(kAccumulate);
  r.rescale_importance = in.flag(kRescale);
  r.top_k_tokens = in.count_or_none(kTopK);
  if (in.flag(kIfTopK) != (r.top_k_tokens != 0)) {
    in.expected(kTopK, r.top_k_tokens != 0 ? "-1, since if_topk is False" : "a count, since if_topk is True");
  }
  return r;
}

std::string format_csv(const Record& r) {
  return fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}", r.step, r.layer, r.head,
                     python_float(r.head_dim), r.context, r.keys, or_minus_one(r.key_msb_bits),
                     or_minus_one(r.query_bits), r.threshold == 0.0 ? "-1" : python_float(r.threshold),
                     python_bool(r.lsb_rows != 0), or_minus_one(r.key_lsb_bits), r.values, or_minus_one(r.value_bits),
                     python_bool(r.accumulate_importance), python_bool(r.rescale_importance),
                     python_bool(r.top_k_tokens != 0), or_minus_one(r.top_k_tokens));
}

}  // namespace spatten::trace

// SPDX-License-Identifier: Apache-2.0
#include "spatten/trace/authors_csv.h"

#include <algorithm>

#include "spatten/base/error.h"
#include "spatten/trace/csv_columns.h"

namespace spatten::trace {
namespace {

constexpr std::size_t kMaxLine = 4096;  // official lines have at most 220 bytes
constexpr std::size_t kChunk = std::size_t{1} << 16;

/// The last line names the config and leaves the other columns empty.
bool is_config_line(const std::array<std::string_view, kCsvColumns>& cells) {
  return std::all_of(cells.begin() + 1, cells.end(), [](std::string_view cell) { return cell.empty(); });
}

/// `text` as one cell without quotes: what would need them becomes an underscore.
std::string as_cell(std::string_view text) {
  std::string out(text.substr(0, kMaxLine - kCsvColumns));
  for (char& c : out) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == ',' || c == '"' || byte < 0x20 || byte >= 0x7F) c = '_';
  }
  return out;
}

}  // namespace

AuthorsCsvSource::AuthorsCsvSource(InputFile file, const std::atomic<bool>* cancelled) : file_(std::move(file)) {
  rewind();
  scan(cancelled);
  rewind();
}

void AuthorsCsvSource::fail(std::size_t column, const std::string& message) const {
  throw Error(file_.path(), fmt::format("{}:{}", line_, column + 1),
              fmt::format("{}: {}", kCsvColumnList[column].name, message));
}

void AuthorsCsvSource::rewind() {
  buffer_.clear();
  buffer_at_ = 0;
  offset_ = line_ = 0;
  rules_ = Rules(header_);
  finished_ = false;
  read_column_names();
}

/// The first pass: checks everything and fills the header.
void AuthorsCsvSource::scan(const std::atomic<bool>* cancelled) {
  Header seen;
  Record record;
  std::optional<std::uint32_t> step;
  while (next(record)) {
    if (cancelled != nullptr && cancelled->load(std::memory_order_relaxed)) throw Cancelled();
    seen.layers = std::max(seen.layers, record.layer + 1);
    seen.heads = std::max(seen.heads, record.head + 1);
    seen.head_dim = record.head_dim;
    if (step != record.step) ++seen.generated_tokens;
    step = record.step;
  }
  if (!step) throw Error(file_.path(), std::to_string(line_), "expected at least one row of numbers, found none");
  seen.source = header_.source;
  header_ = seen;
}

bool AuthorsCsvSource::fill_buffer() {
  const std::uint64_t bytes = std::min<std::uint64_t>(kChunk, file_.size() - offset_);
  buffer_.resize(static_cast<std::size_t>(bytes));
  buffer_at_ = 0;
  file_.read_at(offset_, buffer_.data(), buffer_.size());
  offset_ += bytes;
  return bytes > 0;
}

bool AuthorsCsvSource::read_line(std::string& line) {
  line.clear();
  if (buffer_at_ == buffer_.size() && !fill_buffer()) return false;
  ++line_;
  for (bool ended = false; !ended;) {
    const std::size_t end = std::min(buffer_.find('\n', buffer_at_), buffer_.size());
    line.append(buffer_, buffer_at_, std::min(end - buffer_at_, kMaxLine + 1));
    if (line.size() > kMaxLine) {
      throw Error(file_.path(), std::to_string(line_), fmt::format("expected at most {} bytes in a line, found more", kMaxLine));
    }
    ended = end < buffer_.size();
    buffer_at_ = end + (ended ? 1 : 0);
    if (!ended && !fill_buffer()) ended = true;
  }
  const auto odd = std::find_if(line.begin(), line.end(), [](char c) {
    return c == '"' || static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F;
  });
  if (odd != line.end()) {
    throw Error(file_.path(), std::to_string(line_),
                fmt::format("expected plain ASCII without quotes and with LF line ends, found \"{}\" at byte {}",
                            printable(std::string_view(&*odd, 1)), odd - line.begin() + 1));
  }
  return true;
}

void AuthorsCsvSource::read_column_names() {
  std::string line;
  if (!read_line(line)) throw Error(file_.path(), "", "expected the authors' CSV, found an empty file");
  const CsvFail fail_here = [this](std::size_t column, const std::string& message) { fail(column, message); };
  const auto names = split_csv(line, fail_here);
  for (std::size_t i = 0; i < kCsvColumns; ++i) {
    if (names[i] != kCsvColumnList[i].name) {
      fail(i, fmt::format("expected this name of the column, found \"{}\"", printable(names[i])));
    }
  }
}

void AuthorsCsvSource::finish(std::string_view config) {
  header_.source = config;
  std::string line;
  if (read_line(line)) throw Error(file_.path(), std::to_string(line_), "expected the end after the config path, found a line");
  finished_ = true;
}

bool AuthorsCsvSource::next(Record& out) {
  if (finished_) return false;
  std::string line;
  if (!read_line(line)) {
    throw Error(file_.path(), std::to_string(line_ + 1),
                "expected the config path as the last line, found the end of the file (truncated?)");
  }
  const CsvFail fail_here = [this](std::size_t column, const std::string& message) { fail(column, message); };
  const auto cells = split_csv(line, fail_here);
  if (is_config_line(cells)) {
    finish(cells[0]);
    return false;
  }
  out = parse_csv(cells, fail_here);
  if (const auto problem = rules_.check(out)) fail(csv_column_of(problem->field), problem->message);
  return true;
}

std::string AuthorsCsvSource::place() const { return file_.path() + ":" + std::to_string(line_); }

AuthorsCsvSink::AuthorsCsvSink(const std::string& path) : file_(path), path_(path) {}

void AuthorsCsvSink::begin(const Header& header) {
  rules_ = Rules(header);
  config_ = as_cell(header.source);
  std::string names;
  for (const CsvColumn& column : kCsvColumnList) names += (names.empty() ? "" : ",") + std::string(column.name);
  file_.write(names + "\n");
}

void AuthorsCsvSink::write(const Record& record) {
  rules_.require(record, path_, records_ + skipped_ + 1);
  if (record.stage == Stage::kSummarization) {
    if (prompt_step_ != record.step) ++prompts_;
    prompt_step_ = record.step;
    ++skipped_;
    return;
  }
  Record moved = record;
  moved.step -= prompts_;  // each prompt is a step of its own, so this is not negative
  file_.write(format_csv(moved) + "\n");
  ++records_;
}

void AuthorsCsvSink::end() {
  if (records_ == 0) {
    throw Error(path_, "", fmt::format("expected records of the generation stage, which is all that the authors' CSV "
                                       "holds, found {} of the summarization stage", skipped_));
  }
  file_.write(config_ + std::string(kCsvColumns - 1, ',') + "\n");
  file_.commit();
}

}  // namespace spatten::trace

// SPDX-License-Identifier: Apache-2.0
#include "spatten/sim/memory/dram_trace.h"

#include <charconv>
#include <cstring>

#include "spatten/base/error.h"

namespace spatten::sim {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 18;

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

/// Takes a decimal number off the front; false when there is none or it does not fit.
bool take_number(std::string_view& text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

DramTraceReader::DramTraceReader(InputStream stream) : stream_(std::move(stream)) {
  std::string_view line;
  if (!next_line(line)) fail("expected accesses like \"0x40 R\", found an empty file");
  if (line.starts_with("#!")) {
    read_limits(line.substr(2));
  } else {
    pending_ = true;
    pending_line_ = line;
  }
}

void DramTraceReader::set_device(std::uint64_t capacity_bytes, std::uint32_t access_bytes) {
  capacity_ = capacity_bytes;
  alignment_mask_ = access_bytes - 1;
}

/// Moves the rest of the buffer to its front and reads on behind it.
bool DramTraceReader::fill() {
  buffer_.erase(0, used_);
  used_ = 0;
  const std::size_t before = buffer_.size();
  buffer_.resize(before + kChunk);
  const std::size_t count = stream_.read(buffer_.data() + before, kChunk);
  buffer_.resize(before + count);
  return count > 0;
}

/// Without its end (LF or CRLF). Valid until the next call.
bool DramTraceReader::next_line(std::string_view& line) {
  std::size_t searched = 0;
  for (;;) {
    const char* const start = buffer_.data() + used_;
    const std::size_t rest = buffer_.size() - used_;
    const auto* end =
        rest > searched ? static_cast<const char*>(std::memchr(start + searched, '\n', rest - searched)) : nullptr;
    if (end != nullptr || at_end_) {
      if (end == nullptr && rest == 0) return false;
      const std::size_t length = end == nullptr ? rest : static_cast<std::size_t>(end - start);
      line = {start, length};
      if (line.ends_with('\r')) line.remove_suffix(1);
      used_ += length + (end == nullptr ? 0 : 1);
      ++line_number_;
      if (length > kMaxLineBytes)
        fail(fmt::format("expected a line of at most {} bytes, found {}", kMaxLineBytes, length));
      return true;
    }
    searched = rest;
    if (rest > kMaxLineBytes) {
      ++line_number_;
      fail(fmt::format("expected a line of at most {} bytes, found more", kMaxLineBytes));
    }
    at_end_ = !fill();
  }
}

void DramTraceReader::read_limits(std::string_view line) {
  const std::string_view whole = line;
  for (skip_blanks(line); !line.empty(); skip_blanks(line)) {
    const char key = line.front();
    std::uint64_t value = 0;
    if (line.size() < 2 || line[1] != '=' || (key != 'q' && key != 'g')) fail_expected("\"#! q=N g=M\"", whole);
    line.remove_prefix(2);
    if (!take_number(line, value) || value > kMaxReads || (key == 'q' && value == 0) ||
        (!line.empty() && line.front() != ' ' && line.front() != '\t')) {
      fail_expected(fmt::format("{}= and a whole number up to {}", key, kMaxReads), whole);
    }
    (key == 'q' ? limits_.reads_per_channel : limits_.reads_in_all) = static_cast<std::uint32_t>(value);
  }
}

void DramTraceReader::read_clock(std::string_view line) {
  std::string_view rest = line.substr(1);
  Cycles clock = 0;
  skip_blanks(rest);
  const bool number = take_number(rest, clock);
  skip_blanks(rest);
  if (!number || !rest.empty() || clock > kMaxClock)
    fail_expected(fmt::format("\"@ CLOCK\" with a clock up to {}", kMaxClock), line);
  if (clock < not_before_)
    fail(fmt::format("expected a clock not before the last one, {}, found {}", not_before_, clock));
  not_before_ = clock;
}

/// "0x1f40 R": written out for speed; whatever is not exactly that is an error.
bool DramTraceReader::read_access(std::string_view line, DramTraceAccess& out) const {
  if (line.size() < 5 || line[0] != '0' || (line[1] != 'x' && line[1] != 'X')) return false;
  std::uint64_t address = 0;
  std::size_t i = 2;
  for (; i < line.size(); ++i) {
    const int digit = hex_digit(line[i]);
    if (digit < 0) break;
    if (i >= 18) return false;  // more than 64 bits
    address = address << 4 | static_cast<std::uint64_t>(digit);
  }
  if (i == 2 || i + 2 != line.size() || line[i] != ' ' || (line[i + 1] != 'R' && line[i + 1] != 'W')) return false;
  if (address >= capacity_ || (address & alignment_mask_) != 0) check_address(address, line);
  out = {address, line[i + 1] == 'W', not_before_};
  return true;
}

void DramTraceReader::check_address(std::uint64_t address, std::string_view line) const {
  if (address >= capacity_)
    fail_expected(fmt::format("an address below {:#x}, the end of the memory", capacity_), line);
  fail_expected(fmt::format("an address that is a multiple of {}", alignment_mask_ + 1), line);
}

bool DramTraceReader::next(DramTraceAccess& out) {
  std::string_view line;
  while (pending_ || next_line(line)) {
    if (pending_) {
      line = pending_line_;
      pending_ = false;
    }
    if (read_access(line, out)) return any_ = true;
    if (line.starts_with('@')) {
      read_clock(line);
    } else if (line.starts_with("#!")) {
      fail_expected("\"#!\" only in the first line", line);
    } else if (!line.starts_with('#') && !line.empty()) {
      fail_expected("\"0xADDRESS R\", \"0xADDRESS W\", \"@ CLOCK\" or \"# ...\"", line);
    }
  }
  if (!any_) fail("expected at least one access, found none");
  return false;
}

void DramTraceReader::fail(const std::string& message) const {
  throw Error(stream_.name(), std::to_string(line_number_), message);
}

void DramTraceReader::fail_expected(std::string_view wanted, std::string_view line) const {
  fail(fmt::format("expected {}, found \"{}\"", wanted, printable(line)));
}

}  // namespace spatten::sim

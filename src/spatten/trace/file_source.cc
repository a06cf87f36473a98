// SPDX-License-Identifier: Apache-2.0
#include "spatten/trace/file_source.h"


#include "spatten/base/crc32.h"
#include "spatten/base/fields.h"
#include "spatten/trace/file_format.h"

namespace spatten::trace {
namespace {

/// Header counts bound records; a header outside the records' own bounds would let none through.
void check_header(const JsonNode& node) {
  const auto at_most = [&](const char* key, std::int64_t limit) {
    if (const auto field = node.find(key)) field->integer(0, limit);
  };
  at_most("layers", kMaxLayers);
  at_most("heads", kMaxHeads);
  at_most("head_dim", kMaxHeadDim);
}

}  // namespace

bool is_trace_file(const InputFile& file) {
  if (file.size() < kMagic.size()) return false;
  std::string begin(kMagic.size(), '\0');
  file.read_at(0, begin.data(), begin.size());
  return begin == kMagic;
}

FileSource::FileSource(InputFile file) : file_(std::move(file)) {
  read_header();
  rules_ = Rules(header_);
}

void FileSource::fail(const std::string& message) const {
  throw Error(file_.path(), fmt::format("record {}", records_ + 1), message);
}

std::string FileSource::take(std::uint64_t bytes, const char* what) {
  const std::uint64_t left = file_.size() - offset_;
  if (bytes > left) fail(fmt::format("expected {} bytes of {}, found {} (truncated?)", bytes, what, left));
  std::string out(static_cast<std::size_t>(bytes), '\0');
  file_.read_at(offset_, out.data(), out.size());
  offset_ += bytes;
  return out;
}

void FileSource::read_header() {
  if (!is_trace_file(file_)) throw Error(file_.path(), "byte 0", "expected a trace (\"SPTRACE\"), found something else");
  offset_ = kMagic.size();
  const std::string fixed = take(8, "the header");
  const auto version = get_little_endian<std::uint32_t>(fixed);
  if (version != kFormatVersion) {
    throw Error(file_.path(), "byte 8", fmt::format("expected trace format version {}, found {}", kFormatVersion, version));
  }
  const auto json_bytes = get_little_endian<std::uint32_t>(std::string_view(fixed).substr(4));
  if (json_bytes > kMaxHeaderBytes) {
    throw Error(file_.path(), "byte 12", fmt::format("expected at most {} header bytes, found {}", kMaxHeaderBytes, json_bytes));
  }
  std::string json = take(json_bytes, "the header");
  checksum_ = crc32(json, crc32(fixed));
  if (get_little_endian<std::uint32_t>(take(4, "the header's checksum")) != checksum_) {
    throw Error(file_.path(), "header", "expected a matching checksum, found damaged bytes");
  }
  const JsonFile document = JsonFile::parse(std::move(json), file_.path() + ":header");
  check_header(document.root());
  read_fields(document.root(), header_);
}

void FileSource::next_block() {
  const std::string fixed = take(8, "a block");
  const auto bytes = get_little_endian<std::uint32_t>(fixed);
  const auto records = get_little_endian<std::uint32_t>(std::string_view(fixed).substr(4));
  checksum_ = crc32(fixed, checksum_);
  if (bytes == 0 && records == 0) return finish();
  if (bytes > kMaxBlockBytes || records == 0 || records > bytes) {
    fail(fmt::format("expected 1 record or more in at most {} bytes, found {} in {}", kMaxBlockBytes, records, bytes));
  }
  block_ = take(bytes, "a block");
  checksum_ = crc32(block_, checksum_);
  if (get_little_endian<std::uint32_t>(take(4, "a block's checksum")) != checksum_) {
    fail(fmt::format("expected a matching checksum of the block that ends at byte {}, found damaged bytes", offset_));
  }
  decoder_.start_block(block_);
  block_left_ = records;
}

void FileSource::finish() {
  const std::string total = take(8, "the end mark");
  checksum_ = crc32(total, checksum_);
  if (get_little_endian<std::uint32_t>(take(4, "the end mark's checksum")) != checksum_) {
    fail("expected a matching checksum of the end mark, found damaged bytes");
  }
  if (const auto records = get_little_endian<std::uint64_t>(total); records != records_) {
    fail(fmt::format("expected the end mark to count {} records, found {}", records_, records));
  }
  if (offset_ != file_.size()) fail(fmt::format("expected the end of the file, found {} more bytes", file_.size() - offset_));
  finished_ = true;
}

std::string FileSource::place() const { return fmt::format("{}:record {}", file_.path(), records_); }

bool FileSource::next(Record& out) {
  if (block_left_ == 0 && !finished_) next_block();
  if (finished_) return false;
  try {
    decoder_.decode(out);
  } catch (const Error& e) {
    fail(e.what());
  }
  if (const auto problem = rules_.check(out)) fail(fmt::format("{}: {}", problem->field, problem->message));
  ++records_;
  if (--block_left_ == 0 && decoder_.bytes_left() != 0) {
    fail(fmt::format("expected the block to end after its last record, found {} more bytes", decoder_.bytes_left()));
  }
  return true;
}

}  // namespace spatten::trace
